// countersign watch: what happens at the CA, as it happens.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <thread>

#include "ca/name_filter.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr auto kRetry = std::chrono::seconds(2);

// The action of the audit, and the word for what it means to those who watch.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kEvents = {{
    {"queue", "new"},
    {"issue", "issued"},
    {"approve", "approved"},
    {"deny", "denied"},
    {"revoke", "revoked"},
    {"renew", "renewed"},
    {"clean", "cleaned"},
    {"withdraw", "withdrawn"},
}};

struct Options {
  std::string match;
  std::string rule;
  std::vector<std::string> states;
  bool json = false;
};

// Every line is out when the next wait begins: there is nothing to tidy up.
void leave(int) { ::_exit(kDone); }

std::string word_of(const std::string& action) {
  const auto* event = std::ranges::find(
      kEvents, action, [](const auto& pair) -> std::string_view { return pair.first; });
  return event == kEvents.end() ? "" : std::string(event->second);
}

// The row's own detail, which is a text in the audit: that is what is hashed.
json::value detail_of(const json::value& row) {
  json::error_code error;
  json::value detail = json::parse(member(row, "detail"), error);
  return error || !detail.is_object() ? json::value(json::object()) : detail;
}

// Does the row pass? Text comparisons are by what the row says: an approval names no rule.
class Filter {
 public:
  explicit Filter(const Options& options) : options_(options) {
    if (!options.match.empty()) match_ = required(ca::name_filter(options.match), kUsage);
  }
  bool wants(const json::value& row, const json::value& detail) const {
    const std::string word = word_of(member(row, "action"));
    if (word.empty()) return false;
    const auto& states = options_.states;
    if (!states.empty() && std::ranges::find(states, word) == states.end()) return false;
    if (match_ && !match_(member(row, "subject"))) return false;
    return options_.rule.empty() || member(detail, "rule") == options_.rule;
  }

 private:
  const Options& options_;
  store::NameFilter match_;
};

std::string line_of(const json::value& row, const json::value& detail) {
  // "2026-11-24T15:04:05.123Z"
  const std::string at = member(row, "at");
  const std::string source = member(row, "source");
  const std::string reason = member(detail, "reason");
  std::string word = word_of(member(row, "action"));
  word.resize(9, ' ');
  std::string line = (at.size() > 19 ? at.substr(11, 8) : at) + "  " + word + "  " +
                     escaped(member(row, "subject"));
  if (!reason.empty()) line += "  (" + escaped(reason) + ")";
  line += "  by " + escaped(member(row, "actor"));
  if (!source.empty()) line += " from " + escaped(source);
  return line + "\n";
}

void show(const json::value& row, const Filter& filter, bool as_json) {
  const json::value detail = detail_of(row);
  if (!filter.wants(row, detail)) return;
  if (as_json) {
    json::object event = row.as_object();
    event["event"] = word_of(member(row, "action"));
    event["detail"] = detail;
    print(json::serialize(event) + "\n");
  } else {
    print(line_of(row, detail));
  }
  std::cout.flush();
  if (!std::cout) throw Failure(kFailed, "cannot write.");
}

// nullopt if the server cannot be reached, or takes no more now.
std::optional<json::value> ask(Client& client, const std::string& path) {
  try {
    const auto reply = client.call("GET", path);
    if (reply.status == 503) return std::nullopt;
    if (!reply.done()) throw Failure(kFailed, reply.problem());
    return reply.body;
  } catch (const Failure& failure) {
    if (failure.code() != kUnreachable) throw;
    return std::nullopt;
  }
}

int watch(const Options& options, const std::string& client_file) {
  const Filter filter(options);
  Client client(find_client_config(client_file));
  ::signal(SIGINT, leave);
  ::signal(SIGTERM, leave);
  const json::value newest = client.must("GET", "/v1/audit?order=newest&limit=1");
  const json::array& last = newest.at("audit").as_array();
  std::string cursor = last.empty() ? "0" : member(last.front(), "sequence");
  print_note("Watching. Ctrl-C ends it.\n");
  bool lost = false;
  for (;;) {
    const auto answer = ask(client, "/v1/audit?limit=1000&wait=20s&cursor=" + cursor);
    if (!answer) {
      if (!lost) print_note("The server does not answer; trying again.\n");
      lost = true;
      std::this_thread::sleep_for(kRetry);
      continue;
    }
    if (lost) print_note("The server is back; nothing was missed.\n");
    lost = false;
    for (const json::value& row : answer->at("audit").as_array()) show(row, filter, options.json);
    cursor = member(*answer, "next_cursor");
  }
}

}  // namespace

void add_watch(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("watch", "Show what happens at the CA, as it happens");
  verb->add_option("--match", options->match, "Only names that match this expression");
  verb->add_option("--rule", options->rule, "Only what this rule of the policy decided");
  verb->add_option("--state", options->states, "Only this; may be repeated")
      ->check(CLI::IsMember(
          {"new", "issued", "approved", "denied", "revoked", "renewed", "cleaned", "withdrawn"}));
  verb->add_flag("--json", options->json, "A line of JSON each");
  on_chosen(*verb, invocation, options, watch);
}

}  // namespace countersign::cli
