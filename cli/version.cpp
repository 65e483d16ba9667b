// countersign version
#include "cli/failure.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {

void add_version(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = app.add_subcommand("version", "Print the version of this program");
  verb->callback([&invocation] {
    invocation.chosen = [] {
      print("countersign " COUNTERSIGN_VERSION "\n");
      return int{kDone};
    };
  });
}

}  // namespace countersign::cli
