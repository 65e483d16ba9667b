// countersign policy diff: what differs between two policies.
#include <boost/json.hpp>

#include "cli/failure.h"
#include "cli/policy_verbs.h"
#include "cli/terminal.h"
#include "policy/diff.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;
using Kind = policy::RuleChange::Kind;

struct Options {
  std::string was;
  std::string now;
  std::string cases;
  bool json = false;
};

// A case that the two policies decide otherwise.
struct Difference {
  std::string name;
  std::string was;
  std::string now;
};

std::vector<Difference> differences(const Options& options, const policy::RuleSet& was,
                                    const policy::RuleSet& now) {
  std::vector<Difference> list;
  if (options.cases.empty()) return list;
  for (const policy::Case& row : load_cases(options.cases).cases) {
    const policy::Decision before = was.decide(row.facts);
    const policy::Decision after = now.decide(row.facts);
    if (before.action == after.action && before.rule == after.rule) continue;
    list.push_back({row.name, outcome_text(before.action, before.rule),
                    outcome_text(after.action, after.rule)});
  }
  return list;
}

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::added:
      return "added";
    case Kind::removed:
      return "removed";
    case Kind::changed:
      return "changed";
    case Kind::moved:
      return "moved";
  }
  return "changed";
}

std::string key_text(const policy::KeyChange& change) {
  const auto value = [](const std::string& text) { return text.empty() ? "(none)" : text; };
  return escaped(change.key + ": " + value(change.was) + " -> " + value(change.now)) + "\n";
}

std::string rule_text(const policy::RuleChange& change) {
  std::string text = std::string(kind_text(change.kind)) + " '" + escaped(change.rule) + "'";
  if (change.kind == Kind::moved) {
    text += ": rule " + std::to_string(change.was) + " -> rule " + std::to_string(change.now);
  } else if (change.kind != Kind::changed) {
    text += ": rule " + std::to_string(change.kind == Kind::added ? change.now : change.was);
  }
  text += "\n";
  for (const policy::KeyChange& key : change.keys) text += "  " + key_text(key);
  return text;
}

json::object to_json(const policy::KeyChange& change) {
  return {{"key", change.key}, {"was", change.was}, {"now", change.now}};
}

json::object to_json(const policy::PolicyDiff& diff, const std::vector<Difference>& cases) {
  json::object answer{{"default", nullptr}, {"rules", json::array()}, {"cases", json::array()}};
  if (!diff.defaults.empty()) answer["default"] = to_json(diff.defaults.front());
  for (const policy::RuleChange& change : diff.rules) {
    json::array keys;
    for (const policy::KeyChange& key : change.keys) keys.push_back(to_json(key));
    answer["rules"].as_array().push_back(json::object{{"change", kind_text(change.kind)},
                                                      {"rule", change.rule},
                                                      {"was", change.was},
                                                      {"now", change.now},
                                                      {"keys", std::move(keys)}});
  }
  for (const Difference& one : cases) {
    answer["cases"].as_array().push_back(
        json::object{{"name", one.name}, {"was", one.was}, {"now", one.now}});
  }
  return answer;
}

int diff(const Options& options, const std::string&) {
  const auto was = load_policy(options.was);
  const auto now = load_policy(options.now);
  const policy::PolicyDiff found = policy::diff(*was, *now);
  const std::vector<Difference> cases = differences(options, *was, *now);
  if (options.json) {
    print(json::serialize(to_json(found, cases)) + "\n");
  } else {
    for (const policy::KeyChange& change : found.defaults) print(key_text(change));
    for (const policy::RuleChange& change : found.rules) print(rule_text(change));
    for (const Difference& one : cases) {
      print(escaped("case '" + one.name + "': " + one.was + " -> " + one.now) + "\n");
    }
  }
  return found.same() ? kDone : kFailed;
}

}  // namespace

void add_policy_diff(CLI::App& policy, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      policy.add_subcommand("diff", "What differs between two policies; 1 if anything does");
  verb->add_option("old", options->was, "One policy")->required();
  verb->add_option("new", options->now, "The other")->required();
  verb->add_option("--cases", options->cases, "Cases to decide by both; see policy test");
  verb->add_flag("--json", options->json, "JSON");
  on_chosen(*verb, invocation, options, diff);
}

}  // namespace countersign::cli
