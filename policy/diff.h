// What differs between two policies, rule by rule.
#ifndef COUNTERSIGN_POLICY_DIFF_H_
#define COUNTERSIGN_POLICY_DIFF_H_

#include <cstddef>
#include <string>
#include <vector>

#include "policy/rule_set.h"

namespace countersign::policy {

// A key of a rule ("action", "match.source", "grant"), and what it said. Texts of lists are joined
// with ", ". Of a challenge password it is only told that it differs.
struct KeyChange {
  std::string key;
  std::string was;  // "": not there
  std::string now;
};

struct RuleChange {
  enum class Kind { added, removed, changed, moved } kind = Kind::changed;
  std::string rule;
  std::size_t was = 0;  // which rule of the file it is, from 1; 0: none
  std::size_t now = 0;
  std::vector<KeyChange> keys;  // for changed: at least one
};

struct PolicyDiff {
  std::vector<KeyChange> defaults;  // one if `default` differs
  std::vector<RuleChange> rules;    // removed, then the others by their place in the new policy
  bool same() const { return defaults.empty() && rules.empty(); }
};

// Rules are the same if their names are. One that is changed and moved is in the list twice. Of
// rules that changed places the fewest are called moved.
PolicyDiff diff(const RuleSet& was, const RuleSet& now);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_DIFF_H_
