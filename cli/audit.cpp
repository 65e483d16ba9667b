// countersign audit list, export and key
#include <algorithm>
#include <iostream>

#include "base/clock.h"
#include "cli/ca_files.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/service_config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kPage = 1000;  // of the server

struct Options {
  std::string subject;
  std::string actor;
  std::string action;
  std::string since;
  std::size_t limit = 50;
  std::int64_t since_row = 0;
  bool checkpoints = false;
  bool json = false;
  std::string config;
  std::string passphrase_file;
};

// One page of a list, and the cursor of the next; "" if none follows.
struct Page {
  json::array rows;
  std::string next;
};

Page fetch(Client& client, const std::string& path, const char* member_name,
           const std::string& cursor, std::size_t limit) {
  const std::string asked = path + (path.find('?') == std::string::npos ? "?" : "&") +
                            "limit=" + std::to_string(limit) +
                            (cursor.empty() ? "" : "&cursor=" + url_encoded(cursor));
  json::value answer = client.must("GET", asked);
  auto* object = answer.if_object();
  auto* rows = object != nullptr ? object->if_contains(member_name) : nullptr;
  if (rows == nullptr || !rows->is_array()) {
    throw Failure(kFailed, "the server does not answer as countersign does.");
  }
  return {std::move(rows->get_array()), member(answer, "next_cursor")};
}

// A time as RFC 3339, or how long ago: "2h".
std::string since_time(const std::string& text) {
  if (const auto ago = parse_duration(text)) return to_rfc3339(system_clock().now() - *ago);
  if (const auto time = parse_rfc3339(text)) return to_rfc3339(*time);
  throw Failure(kUsage, "--since takes a time like 2026-11-24T15:00:00Z or how long ago, like 2h.");
}

std::string list_path(const Options& options) {
  std::string path = "/v1/audit?order=newest";
  const auto filter = [&path](const char* key, const std::string& value) {
    if (!value.empty()) path += std::string("&") + key + "=" + url_encoded(value);
  };
  filter("subject", options.subject);
  filter("actor", options.actor);
  filter("action", options.action);
  if (!options.since.empty()) filter("since", since_time(options.since));
  return path;
}

int list(const Options& options, const std::string& client_file) {
  const std::string path = list_path(options);
  Client client(find_client_config(client_file));
  json::array rows;
  std::string cursor;
  do {
    Page page = fetch(client, path, "audit", cursor, std::min(kPage, options.limit - rows.size()));
    for (json::value& row : page.rows) rows.push_back(std::move(row));
    cursor = std::move(page.next);
  } while (!cursor.empty() && rows.size() < options.limit);
  if (options.json) {
    print(json::serialize(rows) + "\n");
  } else {
    std::vector<Row> lines;
    for (const json::value& row : rows) {
      lines.push_back({member(row, "sequence"), member(row, "at"), member(row, "action"),
                       member(row, "actor"), member(row, "source"), member(row, "subject"),
                       member(row, "detail")});
    }
    const bool aligned = output_is_terminal() && !lines.empty();
    print(format_table({"ROW", "AT", "ACTION", "ACTOR", "SOURCE", "SUBJECT", "DETAIL"}, lines,
                       aligned));
  }
  if (!rows.empty()) return kDone;
  print_note("No row of the audit is like this.\n");
  return kNothing;
}

std::int64_t row_of(const json::value& checkpoint) {
  return checkpoint.at("checkpoint").at("sequence").to_number<std::int64_t>();
}

// Every checkpoint from the last one at or before the row `since` on.
json::array checkpoints_from(Client& client, std::int64_t since) {
  json::array list;
  std::string cursor;
  do {
    Page page = fetch(client, "/v1/audit/checkpoints", "checkpoints", cursor, kPage);
    for (json::value& one : page.rows) {
      if (row_of(one) <= since) list.clear();
      list.push_back(std::move(one));
    }
    cursor = std::move(page.next);
  } while (!cursor.empty());
  return list;
}

void print_lines(const json::array& list) {
  std::string text;
  for (const json::value& one : list) text += json::serialize(one) + "\n";
  print(text);
  if (!std::cout) throw Failure(kFailed, "cannot write the export. Is the disk full?");
}

int write_export(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  // The checkpoints first: the rows that they cover are there when the rows are read.
  const json::array checkpoints = checkpoints_from(client, options.since_row);
  print_lines(checkpoints);
  if (options.checkpoints) return checkpoints.empty() ? kNothing : kDone;
  // Whoever verifies the file needs a hash to begin with.
  const bool anchored = !checkpoints.empty() && row_of(checkpoints[0]) <= options.since_row;
  std::string cursor = std::to_string(anchored ? row_of(checkpoints[0]) : 0);
  bool any = false;
  do {
    const Page page = fetch(client, "/v1/audit", "audit", cursor, kPage);
    print_lines(page.rows);
    any = any || !page.rows.empty();
    cursor = page.next;
  } while (!cursor.empty());
  return any ? kDone : kNothing;
}

int make_key(const Options& options, const std::string&) {
  const ServiceConfig config = required(load_service_config(options.config), kUsage);
  for (const char* name : {"audit.key", "audit.pub.pem"}) {
    if (!std::filesystem::exists(config.ca_dir / name)) continue;
    throw Failure(kFailed, (config.ca_dir / name).string() +
                               " is there already. Nothing was changed. Keep a copy of "
                               "audit.pub.pem, which old checkpoints need, before you move both.");
  }
  required(make_audit_key(config.ca_dir,
                          read_passphrase(options.passphrase_file.empty()
                                              ? config.passphrase_file
                                              : std::filesystem::path(options.passphrase_file))),
           kFailed);
  print_note("The audit key is in " + config.ca_dir.string() +
             ". The service's user must be able to read audit.key; then restart the service.\n");
  return kDone;
}

}  // namespace

void add_audit(CLI::App& app, Invocation& invocation) {
  CLI::App* audit =
      app.add_subcommand("audit", "Who did what, and has somebody touched the record?");
  audit->require_subcommand(1);

  auto listed = std::make_shared<Options>();
  CLI::App* verb = audit->add_subcommand("list", "Rows of the audit, newest first");
  verb->add_option("--subject", listed->subject, "About this certname or token");
  verb->add_option("--actor", listed->actor,
                   "By: operator:NAME, pipeline:ID, agent:NAME, anonymous");
  verb->add_option("--action", listed->action, "issue, approve, deny, revoke, clean, refuse, …");
  verb->add_option("--since", listed->since, "A time, or how long ago: 2h, 7d");
  verb->add_option("--limit", listed->limit, "At most so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_flag("--json", listed->json, "JSON instead of columns");
  on_chosen(*verb, invocation, listed, list);

  auto exported = std::make_shared<Options>();
  verb = audit->add_subcommand("export", "All rows and checkpoints, a line of JSON each");
  verb->add_option("--since", exported->since_row,
                   "Begin at the last checkpoint that is not after this row")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--checkpoints", exported->checkpoints, "The checkpoints alone");
  on_chosen(*verb, invocation, exported, write_export);

  add_audit_verify(*audit, invocation);

  auto made = std::make_shared<Options>();
  verb = audit->add_subcommand("key", "Make the audit key of a CA that has none");
  verb->add_option("--config", made->config, "countersign.toml of the service")->required();
  verb->add_option(
      "--passphrase-file", made->passphrase_file,
      "Holds the passphrase of the keys (default: as configured; under systemd that is "
      "a credential, gone with the service)");
  on_chosen(*verb, invocation, made, make_key);
}

}  // namespace countersign::cli
