// countersign policy replay: what another policy would have decided otherwise.
#include <algorithm>
#include <boost/json.hpp>

#include "base/file_system.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/policy_verbs.h"
#include "cli/queue.h"
#include "cli/terminal.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostNames = 5;

struct Options {
  std::string since;
  std::string policy;
  bool json = false;
};

json::object& add(json::object& sum, const json::object& part, std::string_view key) {
  json::value& total = sum[{key.data(), key.size()}];
  total = (total.is_null() ? 0 : total.to_number<std::uint64_t>()) +
          part.at({key.data(), key.size()}).to_number<std::uint64_t>();
  return sum;
}

void merge_group(json::array& groups, const json::value& group) {
  auto* same = std::ranges::find_if(groups, [&](const json::value& other) {
    return other.at("was") == group.at("was") && other.at("now") == group.at("now");
  });
  if (same == groups.end()) {
    groups.push_back(group);
    return;
  }
  add(same->as_object(), group.as_object(), "requests");
  json::array& names = same->at("names").as_array();
  for (const json::value& name : group.at("names").as_array()) {
    if (names.size() < kMostNames) names.push_back(name);
  }
}

// The answers of all calls as one; the form is the server's.
json::object ask(Client& client, const Options& options) {
  json::object question{
      {"policy", required(system_files().read(options.policy, 16U << 20U), kUsage)},
      {"since", options.since}};
  json::object sum{{"groups", json::array()}};
  for (;;) {
    const json::value answer = client.must("POST", "/v1/policy/replay", question);
    const json::object& part = answer.as_object();
    for (const char* key : {"examined", "unreadable", "changed", "left_out"}) add(sum, part, key);
    for (const json::value& group : part.at("groups").as_array()) {
      merge_group(sum["groups"].as_array(), group);
    }
    sum["notes"] = part.at("notes");
    if (!part.at("next_cursor").is_string()) break;
    question["cursor"] = part.at("next_cursor");
  }
  std::ranges::stable_sort(
      sum["groups"].as_array(), std::ranges::greater(),
      [](const json::value& group) { return group.at("requests").to_number<std::uint64_t>(); });
  return sum;
}

std::string outcome_of(const json::value& outcome) {
  const auto action = policy::parse_action(member(outcome, "action"));
  return outcome_text(action.value_or(policy::Action::queue), member(outcome, "rule"));
}

std::string group_text(const json::value& group) {
  const auto requests = group.at("requests").to_number<std::uint64_t>();
  const json::array& names = group.at("names").as_array();
  std::string text = "  " + outcome_of(group.at("was")) + " -> " + outcome_of(group.at("now")) +
                     ": " + std::to_string(requests) + (requests == 1 ? " request" : " requests") +
                     "\n     ";
  for (const json::value& name : names) text += " " + std::string(name.as_string());
  if (requests > names.size()) text += " and " + std::to_string(requests - names.size()) + " more";
  return text;
}

// A line each; another action first, then the same one by another rule.
std::string summary_text(const json::object& sum) {
  const std::string examined = std::to_string(sum.at("examined").to_number<std::uint64_t>());
  const std::string changed = std::to_string(sum.at("changed").to_number<std::uint64_t>());
  std::string text = changed + " of " + examined + " requests would be decided otherwise\n";
  for (const bool otherwise : {true, false}) {
    bool first = true;
    for (const json::value& group : sum.at("groups").as_array()) {
      const bool differs = group.at("was").at("action") != group.at("now").at("action");
      if (differs != otherwise) continue;
      if (!otherwise && first) text += "the same outcome by another rule\n";
      first = false;
      const std::string lines = group_text(group);
      const std::size_t end = lines.find('\n');
      text += escaped(lines.substr(0, end)) + "\n" + escaped(lines.substr(end + 1)) + "\n";
    }
  }
  const auto unreadable = sum.at("unreadable").to_number<std::uint64_t>();
  if (unreadable > 0) text += std::to_string(unreadable) + " could not be read and are left out\n";
  const auto left_out = sum.at("left_out").to_number<std::uint64_t>();
  if (left_out > 0) {
    text += std::to_string(left_out) + " more change in ways that found no room here\n";
  }
  return text;
}

int replay(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  const json::object sum = ask(client, options);
  if (options.json) {
    print(json::serialize(sum) + "\n");
    return kDone;
  }
  print(summary_text(sum));
  for (const json::value& note : sum.at("notes").as_array()) {
    print_note("note: " + escaped(std::string(note.as_string())) + "\n");
  }
  return kDone;
}

}  // namespace

void add_policy_replay(CLI::App& policy, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = policy.add_subcommand(
      "replay", "Which stored requests another policy would have decided otherwise");
  verb->add_option("--since", options->since, "30d, or 2026-11-24T15:04:05Z")->required();
  verb->add_option("--policy", options->policy, "The other policy")->required();
  verb->add_flag("--json", options->json, "JSON");
  on_chosen(*verb, invocation, options, replay);
}

}  // namespace countersign::cli
