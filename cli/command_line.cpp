#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "cli/failure.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

int dispatch(int argc, const char* const* argv) {
  CLI::App app{"countersign: a certificate authority that says why", "countersign"};
  Invocation invocation;
  app.require_subcommand(1);
  // Options of the whole program may follow the verb: `countersign list --client F`.
  app.fallthrough();
  app.add_option("--client", invocation.client_file,
                 "client.toml of the server to talk to (default: $COUNTERSIGN_CLIENT, "
                 "~/.config/countersign/client.toml, /etc/countersign/client.toml)");
  add_init(app, invocation);
  add_import(app, invocation);
  add_serve(app, invocation);
  add_list(app, invocation);
  add_show(app, invocation);
  add_watch(app, invocation);
  add_sign(app, invocation);
  add_deny(app, invocation);
  add_revoke(app, invocation);
  add_clean(app, invocation);
  add_token(app, invocation);
  add_hook(app, invocation);
  add_export(app, invocation);
  add_audit(app, invocation);
  add_policy(app, invocation);
  add_version(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // app.exit prints help to stdout and complaints to stderr.
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return invocation.chosen ? invocation.chosen() : int{kUsage};
}

}  // namespace

int run(int argc, const char* const* argv) {
  try {
    return dispatch(argc, argv);
  } catch (const Failure& failure) {
    print_note("countersign: " + std::string(failure.what()) + "\n");
    return failure.code();
  } catch (const std::exception& error) {
    print_note("countersign: " + std::string(error.what()) + "\n");
    return kFailed;
  }
}

}  // namespace countersign::cli
