// From a [[rule]] table to a Rule. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_RULE_PARSER_H_
#define COUNTERSIGN_POLICY_RULE_PARSER_H_

#include <filesystem>
#include <vector>

#include "base/config_reader.h"
#include "policy/rule.h"
#include "policy/rule_set.h"

namespace countersign::policy {

struct RuleParser {
  const LoadContext& context;
  std::filesystem::path folder;                // relative file names start here
  std::vector<std::filesystem::path> files{};  // allowlist files that were named

  // Complains through the table; the rule is then not to be used.
  Rule parse(ConfigTable& table);

 private:
  Match parse_match(ConfigTable& table);
  void parse_certnames(ConfigTable& table, Match& match);
  void parse_allowlist_file(ConfigTable& table, Match& match);
  Grant parse_grant(ConfigTable& table);
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_PARSER_H_
