#include "policy/reuse.h"

#include "base/config_reader.h"
#include "policy/decision.h"

namespace countersign::policy {

std::string_view to_string(Reuse reuse) {
  switch (reuse) {
    case Reuse::refuse:
      return "refuse";
    case Reuse::queue:
      return "queue";
    case Reuse::same_key:
      return "same_key";
    case Reuse::replace:
      return "replace";
  }
  return "refuse";
}

std::optional<Reuse> parse_reuse(std::string_view text) {
  for (const Reuse reuse : {Reuse::refuse, Reuse::queue, Reuse::same_key, Reuse::replace}) {
    if (to_string(reuse) == text) return reuse;
  }
  return std::nullopt;
}

Reuse read_reuse(ConfigTable& rule, Action action, bool proven) {
  const auto text = rule.text("reuse");
  if (!text) return Reuse::refuse;
  const auto reuse = parse_reuse(*text);
  if (!reuse) {
    rule.complain("reuse", "'reuse' must be \"refuse\", \"queue\", \"same_key\" or \"replace\".");
  } else if (action == Action::deny) {
    rule.complain("reuse", "a rule that denies gives nobody a name. Remove 'reuse'.");
  } else if (*reuse == Reuse::replace && action == Action::queue) {
    rule.complain("reuse",
                  "a rule that queues replaces nothing by itself. Write reuse = \"queue\": the "
                  "approval then replaces the certificate.");
  } else if (*reuse == Reuse::replace && !proven) {
    rule.complain("reuse",
                  "whoever reaches the port could take a name from the machine that has it. Ask "
                  "for a proof in 'match': token = \"required\", challenge_password, or a certname "
                  "that an identity document gives.");
  }
  return reuse.value_or(Reuse::refuse);
}

}  // namespace countersign::policy
