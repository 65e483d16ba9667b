// An ordered set of rules, loaded from one TOML file and then immutable. The grammar is in
// docs/policy.md.
#ifndef COUNTERSIGN_POLICY_RULE_SET_H_
#define COUNTERSIGN_POLICY_RULE_SET_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "policy/decision.h"
#include "policy/facts.h"

namespace countersign::policy {

// What a rule file may refer to.
struct LoadContext {
  const FileSystem* files = &system_files();
  // Profile names that exist; a rule that names another is refused. The first is the default.
  std::vector<std::string> profiles = {"agent"};
  // Names of the deciders outside that exist, for `ask`.
  std::vector<std::string> deciders = {};
  // Skips the check of these names: for `policy check` without a service configuration.
  bool any_profile = false;
};

// A rule as it is written: "action", "match.source", … and the text of each. Holds the challenge
// passwords of the rule: not for printing.
struct RuleOutline {
  std::string name;
  std::map<std::string, std::string> keys;
};

// Immutable, thread-safe.
class RuleSet {
 public:
  // `file` is for messages and as the folder that relative file names refer to. All errors of the
  // file at once, each "file:line:column: what is wrong. What to do."
  static Result<std::shared_ptr<const RuleSet>> parse(std::string_view toml,
                                                      const std::filesystem::path& file,
                                                      const LoadContext& context);
  static Result<std::shared_ptr<const RuleSet>> load(const std::filesystem::path& file,
                                                     const LoadContext& context);
  // No rules; the default decides.
  static std::shared_ptr<const RuleSet> empty(Action default_action);

  // Pure: no clock, file or socket. Rules in order, the first that matches decides. The trace is
  // short: see kLongestTrace.
  Decision decide(const Facts& facts) const;
  // The same decision with its whole trace, and what would have to change for another. Costs a
  // hundred times as much as decide() with a thousand rules.
  Explanation explain(const Facts& facts) const;

  // Does a rule say more of names that are in use than that they are taken?
  bool reuses_names() const;
  // Of the default and of the rules, the most people that one asks for.
  std::int64_t most_approvals() const;
  std::size_t size() const;
  Action default_action() const;
  std::vector<RuleOutline> outlines() const;  // in order
  // Does a rule ask whether the name has a live certificate?
  bool asks_for_live_certificate() const;
  // Every file that the rules refer to (allowlists), absolute; watch them beside the rule file.
  const std::vector<std::filesystem::path>& files() const;

  struct Content;
  explicit RuleSet(std::unique_ptr<const Content> content);
  ~RuleSet();

 private:
  std::unique_ptr<const Content> content_;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_SET_H_
