#include "cli/enrolment_token.h"

#include <algorithm>
#include <span>

#include "base/file_system.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

// A call with so many names stays far below the server's bound for a body.
constexpr std::size_t kNamesOfOneCall = 1000;
constexpr std::size_t kNameFileBytes = std::size_t{64} << 20U;

// One name a line; blank lines and lines that begin with # do not count.
std::vector<std::string> names_of_file(const std::string& file) {
  const std::string text = required(system_files().read(file, kNameFileBytes), kUsage);
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') names.push_back(std::move(line));
    at = end + 1;
  }
  if (names.empty()) throw Failure(kUsage, escaped(file) + " holds no name.");
  return names;
}

void put(json::object& order, const char* member, const std::vector<std::string>& list) {
  if (!list.empty()) order[member] = json::array(list.begin(), list.end());
}
void put(json::object& order, const char* member, const std::string& text) {
  if (!text.empty()) order[member] = text;
}

void put_extensions(json::object& order, const std::vector<std::string>& list) {
  json::object wanted;
  for (const std::string& item : list) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Failure(kUsage, "--extension takes NAME=VALUE, like pp_role=web.");
    }
    wanted[item.substr(0, equals)] = item.substr(equals + 1);
  }
  if (!wanted.empty()) order["extensions"] = std::move(wanted);
}

void print_tokens(const json::array& tokens, bool as_json) {
  std::string lines;
  for (const json::value& token : tokens) {
    lines += as_json ? json::serialize(token) + "\n"
                     : member(token, "certname") + "\t" + member(token, "token") + "\n";
  }
  print(lines);
}

}  // namespace

void add_enrolment_options(CLI::App& verb, EnrolmentOptions& options) {
  verb.add_option("name", options.names, "Names of machines: a token for the enrolment of each");
  verb.add_option("--file", options.file, "More names, one a line");
  verb.add_option("--match", options.match,
                  "Instead of names: one token for every name that matches this expression");
  verb.add_option("--uses", options.uses, "With --match: how many certificates it is good for");
  verb.add_option("--dns", options.dns, "DNS names that may be asked for beside the certname");
  verb.add_option("--ip", options.ip, "Addresses or ranges that may be asked for");
  verb.add_option("--extension", options.extensions,
                  "What must be asked for, like pp_role=web; may be repeated");
  verb.add_option("--source", options.source, "Ranges that the machine must come from");
  verb.add_option("--key-sha256", options.key_sha256,
                  "SHA-256 of the machine's public key (SPKI, DER), hex");
  verb.add_option("--profile", options.profile, "The profile of the rule that signs");
}

bool orders_enrolment(const EnrolmentOptions& options) {
  return !options.names.empty() || !options.file.empty() || !options.match.empty();
}

int create_enrolment_tokens(Client& client, const EnrolmentOptions& options, json::object order,
                            bool as_json) {
  put(order, "dns", options.dns);
  put(order, "ip", options.ip);
  put_extensions(order, options.extensions);
  put(order, "source", options.source);
  put(order, "key_sha256", options.key_sha256);
  put(order, "profile", options.profile);
  std::vector<std::string> names = options.names;
  if (!options.file.empty()) {
    for (std::string& name : names_of_file(options.file)) names.push_back(std::move(name));
  }
  if (!options.match.empty() || names.size() == 1) {
    if (!options.match.empty() && !names.empty()) {
      throw Failure(kUsage, "--match stands for names: give one or the other.");
    }
    if (names.empty()) {
      order["certname_regex"] = options.match;
      order["uses"] = options.uses;
    } else {
      order["certname"] = names.front();
    }
    const json::value made = client.must("POST", "/v1/tokens", order);
    print(as_json ? json::serialize(made) + "\n" : member(made, "token") + "\n");
    print_note("Token " + member(made, "id") + ", good until " + member(made, "expires_at") +
               ". The line above is its only copy: the server keeps a hash.\n");
    return kDone;
  }
  for (std::size_t done = 0; done < names.size(); done += kNamesOfOneCall) {
    const auto some =
        std::span(names).subspan(done, std::min(kNamesOfOneCall, names.size() - done));
    order["certnames"] = json::array(some.begin(), some.end());
    const json::value made = client.must("POST", "/v1/tokens", order);
    print_tokens(made.at("tokens").as_array(), as_json);
  }
  return kDone;
}

int list_enrolment_tokens(Client& client, const std::string& match, bool as_json) {
  const std::string filter = match.empty() ? "" : "?match=" + url_encoded(match);
  const json::array rows = client.all("/v1/enrolment-tokens" + filter, "tokens");
  if (as_json) {
    print(json::serialize(rows) + "\n");
    return kDone;
  }
  std::vector<Row> lines;
  for (const json::value& row : rows) {
    const std::string name = member(row, "certname");
    const std::string pattern = member(row.at("bounds"), "certname_regex");
    lines.push_back({member(row, "id"), name.empty() ? "/" + pattern + "/" : name,
                     member(row, "state"), member(row, "used") + " of " + member(row, "uses"),
                     member(row, "expires_at"), member(row, "label")});
  }
  if (lines.empty()) print_note("There is no enrolment token.\n");
  const bool aligned = output_is_terminal() && !lines.empty();
  print(format_table({"ID", "FOR", "STATE", "USED", "UNTIL", "LABEL"}, lines, aligned));
  return kDone;
}

}  // namespace countersign::cli
