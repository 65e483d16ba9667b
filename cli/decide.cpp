// `countersign deny`, `revoke` and `clean`.
#include <iostream>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/queue.h"
#include "cli/table.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

std::string reason_of(const NamesOptions& options) {
  return options.reason.empty() ? "unspecified" : options.reason;
}

// Says what the server says and gives the exit code that fits.
int report(const std::string& what, const Client::Reply& reply, int code) {
  std::cerr << printable(what) << ": " << printable(Client::problem_text(reply)) << "\n";
  return reply.status == 404 && code != kFailed ? kNothing : kFailed;
}

}  // namespace

int deny(const NamesOptions& options) {
  return guarded("deny", [&]() -> int {
    Client client = Client::open(options.client);
    int code = kDone;
    for (const auto& row : queued_by_name(client, options.names, code)) {
      const auto reply = client.call("POST", "/v1/requests/" + member(row, "id") + "/deny",
                                     json::object{{"reason", options.reason}});
      if (reply.status != 200) {
        code = report(member(row, "certname"), reply, code);
      } else {
        std::cout << printable(member(row, "certname")) << "\tdenied\n";
      }
    }
    return code;
  });
}

int revoke(const NamesOptions& options) {
  return guarded("revoke", [&]() -> int {
    Client client = Client::open(options.client);
    if (!options.serial.empty()) {
      const json::value row =
          client.must("POST", "/v1/certificates/" + Client::encode(options.serial) + "/revoke",
                      json::object{{"reason", reason_of(options)}});
      std::cout << printable(member(row, "certname")) << "\trevoked\n";
      return kDone;
    }
    int code = kDone;
    for (const std::string& name : options.names) {
      const auto reply = client.call(
          "POST", "/v1/revoke", json::object{{"certname", name}, {"reason", reason_of(options)}});
      if (reply.status != 200) {
        code = report(name, reply, code);
      } else if (reply.body.at("revoked").to_number<std::int64_t>() == 0) {
        std::cerr << printable(name) << ": every certificate is revoked or expired already.\n";
        if (code == kDone) code = kNothing;
      } else {
        std::cout << printable(name) << "\trevoked\n";
      }
    }
    return code;
  });
}

int clean(const NamesOptions& options) {
  return guarded("clean", [&]() -> int {
    Client client = Client::open(options.client);
    json::array names;
    for (const std::string& name : options.names) names.emplace_back(name);
    const json::value answer =
        client.must("POST", "/v1/clean", json::object{{"certnames", std::move(names)}});
    for (const auto& name : answer.at("cleaned").as_array()) {
      std::cout << printable(std::string(name.as_string())) << "\tcleaned\n";
    }
    for (const auto& name : answer.at("not_found").as_array()) {
      std::cerr << printable(std::string(name.as_string())) << ": there is nothing of this name.\n";
    }
    return answer.at("not_found").as_array().empty() ? kDone : kNothing;
  });
}

}  // namespace countersign::cli
