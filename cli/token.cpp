// `countersign token create|list|revoke`.
#include <iostream>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/verbs.h"

namespace countersign::cli {

namespace json = boost::json;

int token_create(const TokenOptions& options) {
  return guarded("token create", [&]() -> int {
    json::object order{{"role", options.role}, {"label", options.label}};
    if (!options.expires.empty()) {
      const auto lifetime = parse_duration(options.expires);
      if (!lifetime || lifetime->count() == 0) {
        throw Failure{kUsage, "--expires takes a duration such as 90d or 12h."};
      }
      order["lifetime_seconds"] = lifetime->count();
    }
    Client client = Client::open(options.client);
    const json::value made = client.must("POST", "/v1/tokens", order);
    if (options.json) {
      std::cout << json::serialize(made) << "\n";
    } else {
      std::cout << member(made, "token") << "\n";
      std::cerr << "Token " << member(made, "id") << " (" << member(made, "role")
                << "). It is not kept and cannot be shown again.\n";
    }
    return kDone;
  });
}

int token_list(const TokenOptions& options) {
  return guarded("token list", [&]() -> int {
    Client client = Client::open(options.client);
    const json::value answer = client.must("GET", "/v1/tokens");
    const auto& rows = answer.at("tokens").as_array();
    if (options.json) {
      std::cout << json::serialize(rows) << "\n";
      return kDone;
    }
    std::vector<std::vector<std::string>> lines;
    for (const auto& row : rows) {
      const std::string revoked = member(row, "revoked_at");
      const std::string expires = member(row, "expires_at");
      lines.push_back({member(row, "id"), member(row, "role"), member(row, "label"),
                       member(row, "created_at"),
                       !revoked.empty()   ? "revoked " + revoked
                       : !expires.empty() ? "until " + expires
                                          : "no end"});
    }
    if (lines.empty()) {
      std::cerr << "There is no token.\n";
      return kNothing;
    }
    std::cout << format_table({"ID", "ROLE", "LABEL", "CREATED", "VALID"}, lines,
                              stdout_is_terminal());
    return kDone;
  });
}

int token_revoke(const TokenOptions& options) {
  return guarded("token revoke", [&]() -> int {
    Client client = Client::open(options.client);
    client.must("POST", "/v1/tokens/" + Client::encode(options.id) + "/revoke");
    std::cout << printable(options.id) << "\trevoked\n";
    return kDone;
  });
}

}  // namespace countersign::cli
