#include "policy/approvals.h"

namespace countersign::policy {

std::int64_t read_approvals(ConfigTable& table, bool may_wait) {
  const auto approvals = table.integer("approvals", 1, kMostApprovals);
  if (approvals.value_or(1) > 1 && !may_wait) {
    table.complain("approvals",
                   "'approvals' says nothing here, as no request waits for people. Write action = "
                   "\"queue\" (default = \"queue\"), "
                   "or, for what a rule that signs holds back, 'limit' or reuse = \"queue\".");
  }
  return approvals.value_or(1);
}

}  // namespace countersign::policy
