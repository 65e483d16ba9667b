// What would have to change for another outcome. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_NEAREST_H_
#define COUNTERSIGN_POLICY_NEAREST_H_

#include <optional>
#include <span>

#include "policy/decision.h"
#include "policy/rule.h"

namespace countersign::policy {

// Of rules that failed before the outcome, the one with another action that came nearest: by the
// number of conditions that fail; of several, one that signs, and then the one whose expression
// looks most like the certname. nullopt if none has another action.
std::optional<Nearest> nearest_rule(std::span<const Rule> failed, const Question& question,
                                    Action outcome);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_NEAREST_H_
