// How many people must approve a request that waits.
#ifndef COUNTERSIGN_POLICY_APPROVALS_H_
#define COUNTERSIGN_POLICY_APPROVALS_H_

#include <cstdint>

#include "base/config_reader.h"

namespace countersign::policy {

inline constexpr std::int64_t kMostApprovals = 9;

// The key `approvals` of a rule, or of the policy for what no rule matched: 1 if it is absent.
// Complained of where no request can wait: it would look like a protection and be none.
std::int64_t read_approvals(ConfigTable& table, bool may_wait);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_APPROVALS_H_
