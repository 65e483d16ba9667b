// From a [[rule]] table to a Rule. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_RULE_PARSER_H_
#define COUNTERSIGN_POLICY_RULE_PARSER_H_

#include <filesystem>
#include <vector>

#include "base/config_reader.h"
#include "policy/coverage.h"
#include "policy/rule.h"
#include "policy/rule_set.h"

namespace countersign::policy {

struct RuleParser {
  const LoadContext& context;
  std::filesystem::path folder;                // relative file names start here
  std::vector<std::filesystem::path> files{};  // allowlist files that were named, absolute
  // Of the last rule, as it is written.
  Conditions conditions{};
  std::set<std::string> grants{};

  // Complains through the table; the rule is then not to be used.
  Rule parse(ConfigTable& table);

 private:
  std::string parse_ask(ConfigTable& table, Action action);
  Match parse_match(ConfigTable& table, bool signs);
  void parse_certnames(ConfigTable& table, Match& match);
  // Takes from `budget` what it read, in bytes.
  void parse_allowlist_file(ConfigTable& table, const std::string& name, std::size_t& budget,
                            Match& match);
  void parse_names(ConfigTable& table, Match& match);
  void parse_named(ConfigTable& table, std::string_view key,
                   std::map<std::string, Patterns>& found);
  void parse_name_template(ConfigTable& table, const std::string& text, Match& match);
  void parse_identity(ConfigTable& table, Match& match);
  void parse_key(ConfigTable& table, Match& match);
  void parse_passwords(ConfigTable& table, Match& match);
  std::vector<std::string> alternatives(ConfigTable& table, std::string_view key);
  Patterns patterns(ConfigTable& table, std::string_view key);
  Grant parse_grant(ConfigTable& table);
  std::vector<std::string> granted(ConfigTable& table, std::string_view key);
  void parse_granted_extensions(ConfigTable& table, Grant& grant);
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_PARSER_H_
