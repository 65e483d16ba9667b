// The verbs: each is added to the command line by a function of its own, in a file of its own.
#ifndef COUNTERSIGN_CLI_VERBS_H_
#define COUNTERSIGN_CLI_VERBS_H_

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>

namespace countersign::cli {

// What the verbs share while the command line is read.
struct Invocation {
  std::string client_file;      // --client
  std::function<int()> chosen;  // what the verb that was named does; returns the exit code
};

void add_init(CLI::App& app, Invocation& invocation);
void add_import(CLI::App& app, Invocation& invocation);
void add_serve(CLI::App& app, Invocation& invocation);
void add_list(CLI::App& app, Invocation& invocation);
void add_show(CLI::App& app, Invocation& invocation);
void add_watch(CLI::App& app, Invocation& invocation);
void add_sign(CLI::App& app, Invocation& invocation);
void add_deny(CLI::App& app, Invocation& invocation);
void add_revoke(CLI::App& app, Invocation& invocation);
void add_clean(CLI::App& app, Invocation& invocation);
void add_token(CLI::App& app, Invocation& invocation);
void add_hook(CLI::App& app, Invocation& invocation);
void add_export(CLI::App& app, Invocation& invocation);
void add_audit(CLI::App& app, Invocation& invocation);
// `audit verify`, under the verb `audit`.
void add_audit_verify(CLI::App& audit, Invocation& invocation);
void add_policy(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);

// Makes `run` what happens if `verb` is the one on the command line. The options live as long as
// the callback does.
template <class Options>
void on_chosen(CLI::App& verb, Invocation& invocation, std::shared_ptr<Options> options,
               int (*run)(const Options&, const std::string& client_file)) {
  verb.callback([&invocation, options, run] {
    invocation.chosen = [&invocation, options, run] {
      return run(*options, invocation.client_file);
    };
  });
}

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_VERBS_H_
