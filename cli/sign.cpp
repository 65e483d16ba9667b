// `countersign sign`.
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/queue.h"
#include "cli/table.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

bool asks_for_more(const json::value& row) {
  const std::string own = "DNS:" + member(row, "certname");
  const auto& names = row.at("names").as_array();
  return std::ranges::any_of(names, [&](const json::value& name) { return name != own.c_str(); });
}

void print_contents(const json::array& rows) {
  std::vector<std::vector<std::string>> lines;
  for (const auto& row : rows) {
    const std::string own = "DNS:" + member(row, "certname");
    const std::string asked = member(row, "names");
    lines.push_back({member(row, "certname"), member(row, "key"), member(row, "source"),
                     asked.empty() || asked == own ? own : own + " and what it asks: " + asked});
  }
  std::cerr << format_table({"NAME", "KEY", "SOURCE", "WILL HOLD"}, lines, true);
}

bool confirmed(std::size_t count) {
  std::cerr << "Sign " << count << (count == 1 ? " certificate" : " certificates") << "? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

int sign(const SignOptions& options) {
  return guarded("sign", [&]() -> int {
    Client client = Client::open(options.client);
    const bool bulk = options.all || !options.match.empty();
    int code = kDone;
    json::array rows;
    if (bulk) {
      std::string path = "/v1/requests?state=queued";
      if (!options.match.empty()) path += "&match=" + Client::encode(options.match);
      for (auto& row : client.all(path, "requests")) {
        if (asks_for_more(row)) {
          // In bulk nobody reads closely: what wants more than its own name is signed by name only.
          std::cerr << printable(member(row, "certname")) << " is held back: it asks for "
                    << printable(member(row, "names")) << ". Sign it by name if that is right.\n";
          code = kFailed;
        } else {
          rows.push_back(std::move(row));
        }
      }
    } else {
      rows = queued_by_name(client, options.names, code);
    }
    if (rows.empty()) {
      if (code == kDone) std::cerr << "Nothing waits to be signed.\n";
      return code == kDone ? kNothing : code;
    }
    const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (!options.json) print_contents(rows);
    if (terminal && !options.yes && !confirmed(rows.size())) {
      std::cerr << "Nothing was signed.\n";
      return kFailed;
    }
    json::array done;
    for (const auto& row : rows) {
      const auto reply =
          client.call("POST", "/v1/requests/" + member(row, "id") + "/approve", json::object());
      if (reply.status == 200) {
        if (!options.json) {
          std::cout << printable(member(row, "certname")) << "\t" << member(reply.body, "serial")
                    << "\n";
        }
        done.push_back(reply.body);
      } else {
        std::cerr << printable(member(row, "certname")) << ": "
                  << printable(Client::problem_text(reply)) << "\n";
        code = kFailed;
      }
    }
    if (options.json) std::cout << json::serialize(done) << "\n";
    return code;
  });
}

}  // namespace countersign::cli
