// countersign policy test: does a policy decide as its site expects?
#include <boost/json.hpp>

#include "base/file_system.h"
#include "cli/failure.h"
#include "cli/policy_verbs.h"
#include "cli/terminal.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

struct Options {
  std::string cases;
  std::string policy;
  bool json = false;
};

std::string expected_text(const policy::Expectation& expected) {
  std::string text = expected.rule ? outcome_text(expected.action, *expected.rule)
                                   : std::string(policy::to_string(expected.action));
  if (expected.reason) text += " (" + *expected.reason + ")";
  return text;
}

// "'a' to 'c' certname_regex; 'web tier' source; 'rest' matched".
std::string short_trace(const policy::Decision& decision) {
  std::string text;
  for (const policy::TraceStep& step : decision.trace) {
    text += (text.empty() ? "'" : "; '") + step.rule + "'";
    if (step.rules > 1) text += " to '" + step.last_rule + "'";
    text += " " + (step.matched ? std::string("matched") : step.condition);
  }
  return text.empty() ? "no rules" : text;
}

// One line: what was expected, what came, and why.
std::string complaint(const policy::Case& row, const policy::Decision& decision) {
  std::string text = row.place + ": '" + row.name + "': expected " + expected_text(row.expected) +
                     ", got " + outcome_text(decision.action, decision.rule);
  if (row.expected.reason) text += " (" + decision.reason + ")";
  return text + " [" + short_trace(decision) + "]";
}

json::object result_of(const policy::Case& row, const policy::Decision& decision, bool passed) {
  json::object expected{{"action", policy::to_string(row.expected.action)}};
  if (row.expected.rule) expected["rule"] = *row.expected.rule;
  if (row.expected.reason) expected["reason"] = *row.expected.reason;
  return {{"name", row.name},
          {"place", row.place},
          {"passed", passed},
          {"expected", std::move(expected)},
          {"came", json::object{{"action", policy::to_string(decision.action)},
                                {"rule", decision.rule},
                                {"reason", decision.reason}}},
          {"trace", json::parse(policy::trace_to_json(decision.trace))}};
}

int test(const Options& options, const std::string&) {
  const policy::CaseFile file = load_cases(options.cases);
  const fs::path policy_file = options.policy.empty() ? file.policy : fs::path(options.policy);
  if (policy_file.empty()) {
    throw Failure(kUsage, options.cases +
                              " names no policy. Write policy = \"policy.toml\" at its top, or "
                              "give --policy.");
  }
  const auto rules = load_policy(policy_file);
  std::size_t failed = 0;
  json::array results;
  for (const policy::Case& row : file.cases) {
    const policy::Decision decision = rules->decide(row.facts);
    const bool passed = policy::as_expected(row.expected, decision);
    if (!passed) ++failed;
    if (options.json) results.push_back(result_of(row, decision, passed));
    if (!options.json && !passed) print(escaped(complaint(row, decision)) + "\n");
  }
  const std::size_t count = file.cases.size();
  if (options.json) {
    print(json::serialize(
              json::object{{"cases", count}, {"failed", failed}, {"results", std::move(results)}}) +
          "\n");
  } else if (failed == 0) {
    print("ok: " + std::to_string(count) + (count == 1 ? " case\n" : " cases\n"));
  } else {
    print_note(std::to_string(failed) + " of " + std::to_string(count) + " cases failed\n");
  }
  return failed == 0 ? kDone : kFailed;
}

}  // namespace

policy::CaseFile load_cases(const fs::path& file) {
  constexpr std::size_t kCaseFileBytes = std::size_t{16} << 20U;
  const std::string text = required(system_files().read(file, kCaseFileBytes), kUsage);
  return required(policy::parse_cases(text, file), kUsage);
}

std::string outcome_text(policy::Action action, const std::string& rule) {
  return std::string(policy::to_string(action)) +
         (rule.empty() ? " by the default" : " by '" + rule + "'");
}

void add_policy_test(CLI::App& policy, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      policy.add_subcommand("test", "Does a policy decide the cases of a file as expected?");
  verb->add_option("file", options->cases, "The cases; see docs/policy.md")->required();
  verb->add_option("--policy", options->policy, "Instead of the policy that the file names");
  verb->add_flag("--json", options->json, "JSON, every case");
  on_chosen(*verb, invocation, options, test);
}

}  // namespace countersign::cli
