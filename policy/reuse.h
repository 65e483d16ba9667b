// What a rule says of a name that has a live certificate.
#ifndef COUNTERSIGN_POLICY_REUSE_H_
#define COUNTERSIGN_POLICY_REUSE_H_

#include <optional>
#include <string_view>

namespace countersign {
class ConfigTable;
}

namespace countersign::policy {

enum class Action;

enum class Reuse {
  refuse,    // the name is taken
  queue,     // a person decides; the approval replaces the live certificate
  same_key,  // signed if it is the live certificate's key, which stays valid too; else refused
  replace    // signed, and every live certificate of the name is revoked in the same commit
};
std::string_view to_string(Reuse reuse);  // as it is written in a policy
std::optional<Reuse> parse_reuse(std::string_view text);

// `reuse` of a [[rule]] table. Complains of a word that is not known, and of one that makes no
// sense: who takes a name from a machine must show more than the name (`proven`: the rule asks for
// a secret).
Reuse read_reuse(ConfigTable& rule, Action action, bool proven);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_REUSE_H_
