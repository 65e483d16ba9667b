// What the verbs of `countersign policy` share.
#ifndef COUNTERSIGN_CLI_POLICY_VERBS_H_
#define COUNTERSIGN_CLI_POLICY_VERBS_H_

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/verbs.h"
#include "policy/case_file.h"
#include "policy/rule_set.h"

namespace countersign::cli {

// With the profiles of the service whose folder the file lies in; any, where there is no service.
// Throws Failure(kUsage) with every error of the file.
std::shared_ptr<const policy::RuleSet> load_policy(const std::filesystem::path& file);
policy::CaseFile load_cases(const std::filesystem::path& file);
// "sign by 'web tier'", "queue by the default".
std::string outcome_text(policy::Action action, const std::string& rule);

void add_policy_test(CLI::App& policy, Invocation& invocation);
void add_policy_diff(CLI::App& policy, Invocation& invocation);
void add_policy_reload(CLI::App& policy, Invocation& invocation);
void add_policy_replay(CLI::App& policy, Invocation& invocation);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_POLICY_VERBS_H_
