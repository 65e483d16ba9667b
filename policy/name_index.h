// Which rules a certname rules out, found for all rules at once. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_NAME_INDEX_H_
#define COUNTERSIGN_POLICY_NAME_INDEX_H_

#include <re2/re2.h>
#include <re2/set.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/rule.h"

namespace countersign::policy {

// What a rule's conditions on the certname come to. It says nothing that the rule itself would not
// say; what it cannot tell it leaves open.
enum class NameVerdict : std::uint8_t {
  open,          // ask the rule
  hold,          // every condition on the certname holds
  regex_failed,  // certname_regex fails
  list_failed,   // certname fails
};

// Immutable, thread-safe.
class NameIndex {
 public:
  explicit NameIndex(const std::vector<Rule>& rules);
  // One verdict a rule, in order.
  std::vector<NameVerdict> verdicts(std::string_view certname) const;

 private:
  using RuleNumber = std::uint32_t;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Names = std::unordered_map<std::string, std::vector<RuleNumber>, Hash, std::equal_to<>>;

  void add(RuleNumber number, const Match& match);
  void add_regex(RuleNumber number, const Patterns& patterns);
  void add_list(RuleNumber number, const Allowlist& list);
  void add_templates(RuleNumber number, const std::vector<NameTemplate>& templates);
  void pass_all(const Names& names, std::string_view text,
                std::vector<NameVerdict>& verdicts) const;

  std::vector<NameVerdict> unmatched_;  // as if no expression and no entry below matched
  std::vector<NameVerdict> matched_;    // of each rule, once one of its own did
  Names names_;                         // exact texts of expressions and lists
  Names tails_;                         // globs
  std::unique_ptr<RE2::Set> set_;       // null: no expressions
  std::vector<RuleNumber> set_rules_;   // of each expression of the set
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_NAME_INDEX_H_
