// countersign hook list
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  bool json = false;
};

int list(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  const json::value answer = client.must("GET", "/v1/hooks");
  const json::array& rows = answer.at("hooks").as_array();
  if (options.json) {
    print(json::serialize(rows) + "\n");
    return kDone;
  }
  std::vector<Row> lines;
  for (const json::value& row : rows) {
    lines.push_back({member(row, "hook"), member(row, "waiting"), member(row, "oldest"),
                     member(row, "delivered"), member(row, "given_up"), member(row, "dropped"),
                     member(row, "last_error")});
  }
  if (lines.empty()) print_note("There is no hook.\n");
  const bool aligned = output_is_terminal() && !lines.empty();
  print(format_table({"HOOK", "WAITING", "SINCE", "DELIVERED", "GIVEN UP", "DROPPED", "LAST ERROR"},
                     lines, aligned));
  return kDone;
}

}  // namespace

void add_hook(CLI::App& app, Invocation& invocation) {
  CLI::App* hook = app.add_subcommand("hook", "What hooks are still to be told");
  hook->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* verb = hook->add_subcommand("list", "Each hook: what waits, and why");
  verb->add_flag("--json", options->json, "JSON instead of columns");
  on_chosen(*verb, invocation, options, list);
}

}  // namespace countersign::cli
