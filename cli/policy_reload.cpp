// countersign policy reload: the policy file taken as it is now.
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/policy_verbs.h"
#include "cli/queue.h"
#include "cli/terminal.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  bool force = false;
  bool json = false;
};

int reload(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  const json::object order{{"force", options.force}};
  const json::value taken = client.must("POST", "/v1/policy/reload", order);
  if (options.json) {
    print(json::serialize(taken) + "\n");
    return kDone;
  }
  std::string text = "in force: " + member(taken, "rules") + " rules";
  if (member(taken, "requests") != "0") {
    text += "; " + member(taken, "changed") + " of the last day's " + member(taken, "requests") +
            " requests would be decided otherwise";
  }
  print(text + "\n");
  return kDone;
}

}  // namespace

void add_policy_reload(CLI::App& policy, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = policy.add_subcommand(
      "reload", "Take the policy file as it is now, and say what the server thinks of it");
  verb->add_flag("--force", options->force,
                 "Also if it changes more than [policy] refuse_change_over; only what was refused "
                 "before, as it was then");
  verb->add_flag("--json", options->json, "JSON");
  on_chosen(*verb, invocation, options, reload);
}

}  // namespace countersign::cli
