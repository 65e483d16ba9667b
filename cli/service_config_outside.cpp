// What is asked and told outside: [decider.NAME] and [hook.NAME].
#include <algorithm>

#include "ca/name_filter.h"
#include "cli/service_config_parts.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOfAKind = 16;  // each has threads of its own

// Names stand in logs, metrics and rules.
void check_name(ConfigTable& table, const std::string& name) {
  const bool plain = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!plain) {
    table.complain("", "the name '" + name + "' must be 1 to 64 letters, digits, '-' and '_'.");
  }
}

fs::path read_path(ConfigTable& table, std::string_view key, const fs::path& folder) {
  const auto text = table.text(key);
  return text && !text->empty() ? folder / *text : fs::path();
}

// An endpoint with its credentials, or a program: one of both.
void read_target(ConfigTable& table, const fs::path& folder, ca::Endpoint& endpoint,
                 fs::path& program) {
  endpoint.url = table.text("url").value_or("");
  endpoint.ca_file = read_path(table, "ca_file", folder);
  endpoint.client_cert_file = read_path(table, "client_cert_file", folder);
  endpoint.client_key_file = read_path(table, "client_key_file", folder);
  endpoint.token_file = read_path(table, "token_file", folder);
  program = read_path(table, "program", folder);
  if (endpoint.url.empty() == program.empty()) {
    table.complain("", "write either url = \"https://…\" or program = \"FILE\".");
  }
  if (!endpoint.url.empty() && !endpoint.url.starts_with("https://")) {
    table.complain("url", "'url' must start with https://.");
  }
  if (endpoint.client_cert_file.empty() && !endpoint.client_key_file.empty()) {
    table.complain("client_key_file", "'client_key_file' needs 'client_cert_file'.");
  }
  if (!program.empty()) {
    for (const char* key : {"ca_file", "client_cert_file", "client_key_file", "token_file"}) {
      if (table.has(key)) table.complain(key, "'" + std::string(key) + "' is for 'url' alone.");
    }
  }
}

// A deadline of a minute at most: threads wait for it, and so does a stop.
void read_deadline(ConfigTable& table, std::chrono::milliseconds& deadline) {
  const auto read = table.duration("deadline");
  if (!read) return;
  if (read->count() <= 0 || *read > std::chrono::minutes(1)) {
    table.complain("deadline", "'deadline' must be over 0 and at most 1m.");
    return;
  }
  deadline = *read;
}

void read_size(ConfigTable& table, std::string_view key, std::int64_t low, std::int64_t high,
               std::size_t& value) {
  if (const auto read = table.integer(key, low, high)) value = static_cast<std::size_t>(*read);
}

ca::DeciderSettings read_decider(ConfigTable& table, const fs::path& folder) {
  ca::DeciderSettings settings;
  read_target(table, folder, settings.endpoint, settings.program);
  read_deadline(table, settings.deadline);
  read_size(table, "concurrency", 1, 64, settings.concurrency);
  read_size(table, "waiting", 0, 4096, settings.waiting);
  if (const auto failures = table.integer("failures", 1, 1000)) {
    settings.failures = static_cast<int>(*failures);
  }
  settings.pause = table.duration("pause").value_or(settings.pause);
  if (settings.pause.count() <= 0 || settings.pause > std::chrono::hours(1)) {
    table.complain("pause", "'pause' must be over 0 and at most 1h.");
  }
  settings.send_csr = table.boolean("send_csr").value_or(false);
  if (settings.send_csr && !settings.program.empty()) {
    table.complain("send_csr", "a program gets the CSR in any case. Remove 'send_csr'.");
  }
  table.done();
  return settings;
}

void read_events(ConfigTable& table, ca::HookSettings& settings) {
  for (const std::string& text : table.texts("on").value_or(std::vector<std::string>{})) {
    const auto event = ca::parse_hook_event(text);
    if (event) {
      settings.on.insert(*event);
    } else {
      table.complain("on", "'" + text +
                               "' is no event. Known are: queued, issued, approved, denied, "
                               "expired, expiring.");
    }
  }
  if (settings.on.empty()) {
    table.complain("on", "'on' must name at least one event, as on = [\"queued\"].");
  }
}

void read_span(ConfigTable& table, std::string_view key, std::chrono::seconds& value) {
  const auto read = table.duration(key);
  if (!read) return;
  if (read->count() <= 0 || *read > std::chrono::days(365)) {
    table.complain(key, "'" + std::string(key) + "' must be over 0 and at most 1y.");
    return;
  }
  value = *read;
}

ca::HookSettings read_hook(ConfigTable& table, const fs::path& folder) {
  ca::HookSettings settings;
  read_events(table, settings);
  read_target(table, folder, settings.endpoint, settings.program);
  settings.secret_file = read_path(table, "secret_file", folder);
  if (!settings.secret_file.empty() && !settings.program.empty()) {
    table.complain("secret_file", "'secret_file' is for 'url' alone.");
  }
  settings.match = table.text("match").value_or("");
  if (!settings.match.empty()) {
    const auto filter = ca::name_filter(settings.match);
    if (filter.has_error()) table.complain("match", filter.error().detail);
  }
  for (const std::string& rule : table.texts("rules").value_or(std::vector<std::string>{})) {
    settings.rules.insert(rule);
  }
  read_deadline(table, settings.deadline);
  read_span(table, "expiring_before", settings.expiring_before);
  read_span(table, "give_up_after", settings.give_up_after);
  settings.most_waiting =
      table.integer("most_waiting", 200, 100'000).value_or(settings.most_waiting);
  table.done();
  return settings;
}

}  // namespace

void read_hooks(ConfigTable& root, const fs::path& folder, ca::AuthorityConfig& config) {
  auto hooks = root.table("hook");
  if (!hooks) return;
  for (const std::string& name : hooks->keys()) {
    auto table = hooks->table(name);
    if (!table) continue;
    check_name(*table, name);
    config.hooks[name] = read_hook(*table, folder);
  }
  if (config.hooks.size() > kMostOfAKind) root.complain("hook", "there may be at most 16 hooks.");
}

void read_deciders(ConfigTable& root, const fs::path& folder, ca::AuthorityConfig& config) {
  auto deciders = root.table("decider");
  if (!deciders) return;
  for (const std::string& name : deciders->keys()) {
    auto table = deciders->table(name);
    if (!table) continue;
    check_name(*table, name);
    config.deciders[name] = read_decider(*table, folder);
  }
  if (config.deciders.size() > kMostOfAKind) {
    root.complain("decider", "there may be at most 16 deciders.");
  }
}

}  // namespace countersign::cli
