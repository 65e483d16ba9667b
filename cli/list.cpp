// countersign list
#include "base/clock.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kNamesShown = 3;

struct Options {
  std::string state = "queued";
  std::string match;
  bool json = false;
};

std::string age_of(const std::string& time, Timestamp now) {
  const auto then = parse_rfc3339(time);
  return then ? short_age(std::chrono::duration_cast<std::chrono::seconds>(now - *then)) : "";
}

// On a terminal a request for fifty names must not push the others off the screen.
std::string names_of(const json::value& row, bool aligned) {
  const auto* object = row.if_object();
  const auto* names = object != nullptr ? object->if_contains("names") : nullptr;
  if (!aligned || names == nullptr || !names->is_array() ||
      names->get_array().size() <= kNamesShown) {
    return member(row, "names");
  }
  const auto& list = names->get_array();
  const auto total = std::stoul(member(row, "names_total"));
  std::string text;
  for (std::size_t i = 0; i < kNamesShown; ++i) {
    text += std::string(list[i].as_string()) + ",";
  }
  return text + "+" + std::to_string(total - kNamesShown) + " more";
}

Row request_row(const json::value& row, Timestamp now, bool aligned) {
  return {member(row, "certname"), member(row, "state"), age_of(member(row, "created_at"), now),
          member(row, "source"),   member(row, "key"),   names_of(row, aligned),
          member(row, "reason")};
}

Row certificate_row(const json::value& row, Timestamp now, bool aligned) {
  const std::string revoked = member(row, "revoked_at");
  const std::string why = revoked.empty() ? "until " + member(row, "not_after")
                                          : member(row, "revocation_reason") + " " + revoked;
  return {member(row, "certname"),
          member(row, "state"),
          age_of(member(row, "issued_at"), now),
          member(row, "serial"),
          member(row, "key"),
          names_of(row, aligned),
          why};
}

int list(const Options& options, const std::string& client_file) {
  const bool requests = options.state == "queued" || options.state == "denied";
  std::string path = (requests ? "/v1/requests?state=" : "/v1/certificates?state=") + options.state;
  if (!options.match.empty()) path += "&match=" + url_encoded(options.match);
  Client client(find_client_config(client_file));
  const json::array rows = client.all(path, requests ? "requests" : "certificates");
  if (options.json) {
    print(json::serialize(rows) + "\n");
    return kDone;
  }
  if (rows.empty()) {
    print_note("Nothing is " + options.state + (options.match.empty() ? "" : " and matches") +
               ".\n");
    return kDone;
  }
  const Timestamp now = system_clock().now();
  const bool aligned = output_is_terminal();
  std::vector<Row> lines;
  for (const auto& row : rows) {
    lines.push_back(requests ? request_row(row, now, aligned) : certificate_row(row, now, aligned));
  }
  print(
      format_table({"NAME", "STATE", "AGE", requests ? "SOURCE" : "SERIAL", "KEY", "NAMES", "WHY"},
                   lines, aligned));
  return kDone;
}

}  // namespace

void add_list(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("list", "Show what waits, or what there is");
  verb->add_option("--state", options->state, "What to show")
      ->check(CLI::IsMember({"queued", "signed", "denied", "revoked", "expired"}))
      ->capture_default_str();
  verb->add_option("--match", options->match,
                   "Only names in which this regular expression (RE2) is found");
  verb->add_flag("--json", options->json, "JSON instead of columns");
  on_chosen(*verb, invocation, options, list);
}

}  // namespace countersign::cli
