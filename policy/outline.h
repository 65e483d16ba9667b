// A rule as it is written. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_OUTLINE_H_
#define COUNTERSIGN_POLICY_OUTLINE_H_

#include <set>
#include <string>

#include "policy/coverage.h"
#include "policy/rule.h"
#include "policy/rule_set.h"

namespace countersign::policy {

// `conditions` and `grants` as the parser noted them.
RuleOutline outline_of(const Rule& rule, const Conditions& conditions,
                       const std::set<std::string>& grants);
// How many entries the rule's list has, and a mark that differs where the entries do.
std::string list_mark(const Rule& rule);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_OUTLINE_H_
