// Requests, and what a policy is expected to decide for each: what a site's own CI runs. The form
// is in docs/policy.md.
#ifndef COUNTERSIGN_POLICY_CASE_FILE_H_
#define COUNTERSIGN_POLICY_CASE_FILE_H_

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/decision.h"
#include "policy/facts.h"

namespace countersign::policy {

struct Expectation {
  Action action = Action::queue;
  std::optional<std::string> rule;  // "": the default
  std::optional<std::string> reason;
};

struct Case {
  std::string name;
  std::string place;  // "file:line:column"
  Facts facts;
  Expectation expected;
};

struct CaseFile {
  std::filesystem::path policy;  // beside the file, as it names it; empty if it names none
  std::vector<Case> cases;       // at least one
};

// malformed with every error, one "file:line:column: …" a line.
Result<CaseFile> parse_cases(std::string_view toml, const std::filesystem::path& file);

bool as_expected(const Expectation& expected, const Decision& decision);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_CASE_FILE_H_
