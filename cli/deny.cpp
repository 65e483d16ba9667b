// countersign deny
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/queue_choice.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  QueueChoice choice;
  std::string reason;
  bool yes = false;
};

std::string table_of(const json::array& requests) {
  std::vector<Row> lines;
  for (const json::value& row : requests) {
    lines.push_back({member(row, "certname"), member(row, "source"), member(row, "key"),
                     member(row, "names"), member(row, "reason")});
  }
  return format_table({"NAME", "SOURCE", "KEY", "NAMES", "WHY IT WAITS"}, lines, true);
}

int deny(const Options& options, const std::string& client_file) {
  check_queue_choice(options.choice, "deny");
  const bool bulk = options.choice.bulk();
  ClientConfig config = find_client_config(client_file);
  const std::filesystem::path views = config.views;
  Client client(std::move(config));
  int code = kDone;
  const json::array requests = chosen_requests(options.choice, views, client, code);
  if (requests.empty()) {
    if (bulk) print_note("Nothing waits to be denied.\n");
    return bulk ? kNothing : code;
  }
  if (bulk && input_is_terminal() && !options.yes) {
    print_note(table_of(requests));
    if (!confirmed("Deny " + std::to_string(requests.size()) + " of them, saying '" +
                   escaped(options.reason) + "'?")) {
      print_note("Nothing was denied.\n");
      return kFailed;
    }
  }
  const json::array results = in_bulk(client, "/v1/requests/deny", "results", "ids", requests,
                                      json::object{{"reason", options.reason}}, id_of);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string name = escaped(member(requests[i], "certname"));
    const std::string wrong = problem_of(results[i]);
    if (wrong.empty()) {
      print(name + "\tdenied\n");
    } else {
      print_note(name + ": " + escaped(wrong) + "\n");
      code = kFailed;
    }
  }
  return code;
}

}  // namespace

void add_deny(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("deny", "Refuse requests that wait");
  add_queue_choice(*verb, options->choice, "All that wait");
  verb->add_option("--reason", options->reason, "Why; the machine is told")->required();
  verb->add_flag("--yes", options->yes, "Do not ask");
  on_chosen(*verb, invocation, options, deny);
}

}  // namespace countersign::cli
