// Finds rules that can never be reached. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_COVERAGE_H_
#define COUNTERSIGN_POLICY_COVERAGE_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace countersign::policy {

// The conditions of a match as they were written: key -> alternatives, one of which must hold. No
// alternatives: the thing must be there.
using Conditions = std::map<std::string, std::set<std::string>>;

// The rules so far, in order. Certain cases only: a rule is covered if an earlier one takes every
// request that it would take, as far as the text of both tells. Expressions are not compared beyond
// their text, nor are ranges or the content of files.
class Coverage {
 public:
  struct Entry {
    std::string rule;
    std::string place;  // "file:line:column"
    Conditions conditions;
    std::set<std::string> grants;
    bool may_refuse = false;  // does it pass on requests for more than it grants?
  };

  // The earlier rule that covers this one, or null. Keeps the entry; the pointer is good until the
  // next call.
  const Entry* add(Entry entry);

 private:
  std::vector<Entry> entries_;
  // By the first condition of a rule and each of its alternatives, so that a thousand rules are not
  // a million comparisons.
  std::unordered_map<std::string, std::vector<std::size_t>> index_;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_COVERAGE_H_
