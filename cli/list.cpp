// `countersign list`.
#include <iostream>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

std::vector<std::string> request_row(const json::value& row, Timestamp now) {
  const auto created = parse_rfc3339(member(row, "created_at")).value_or(now);
  return {member(row, "certname"), member(row, "state"), age(created, now),
          member(row, "source"),   member(row, "key"),   member(row, "names"),
          member(row, "reason")};
}

std::vector<std::string> certificate_row(const json::value& row, Timestamp now) {
  const auto issued = parse_rfc3339(member(row, "issued_at")).value_or(now);
  std::string why = "until " + member(row, "not_after");
  if (!member(row, "revoked_at").empty()) {
    why = member(row, "revocation_reason") + " " + member(row, "revoked_at");
  }
  return {member(row, "certname"),
          member(row, "state"),
          age(issued, now),
          member(row, "serial"),
          member(row, "key"),
          member(row, "names"),
          why};
}

}  // namespace

int list(const ListOptions& options) {
  return guarded("list", [&]() -> int {
    const std::string state = options.state.empty() ? "queued" : options.state;
    const bool requests = state == "queued" || state == "denied";
    std::string path = (requests ? "/v1/requests?state=" : "/v1/certificates?state=") + state;
    if (!options.match.empty()) path += "&match=" + Client::encode(options.match);
    Client client = Client::open(options.client);
    const json::array rows = client.all(path, requests ? "requests" : "certificates");
    if (options.json) {
      std::cout << json::serialize(rows) << "\n";
    } else {
      const Timestamp now = system_clock().now();
      std::vector<std::vector<std::string>> lines;
      for (const auto& row : rows) {
        lines.push_back(requests ? request_row(row, now) : certificate_row(row, now));
      }
      if (!lines.empty()) {
        std::cout << format_table(
            {"NAME", "STATE", "AGE", requests ? "SOURCE" : "SERIAL", "KEY", "NAMES", "WHY"}, lines,
            stdout_is_terminal());
      }
    }
    if (!rows.empty()) return kDone;
    std::cerr << "Nothing is " << state << ".\n";
    return kNothing;
  });
}

}  // namespace countersign::cli
