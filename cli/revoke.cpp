// countersign revoke and clean
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  std::vector<std::string> names;
  std::string reason;
  std::string serial;
};

// Says what the server says. A refusal outweighs a name that was not found.
int worse(int code, const std::string& what, const Client::Reply& reply) {
  const bool missing = reply.status == 404;
  print_note(escaped(what) + ": " + escaped(reply.problem()) +
             (missing ? " `countersign list --state signed` shows what there is.\n" : "\n"));
  return reply.status == 404 && code != kFailed ? kNothing : kFailed;
}

int revoke_serial(Client& client, const Options& options) {
  const json::object body{{"reason", options.reason}};
  const auto reply =
      client.call("POST", "/v1/certificates/" + url_encoded(options.serial) + "/revoke", body);
  if (!reply.done()) return worse(kDone, options.serial, reply);
  print(escaped(member(reply.body, "certname")) + "\trevoked\n");
  return kDone;
}

int revoke(const Options& options, const std::string& client_file) {
  if (options.names.empty() == options.serial.empty()) {
    throw Failure(kUsage, "name what to revoke, or give its --serial.");
  }
  Client client(find_client_config(client_file));
  if (!options.serial.empty()) return revoke_serial(client, options);
  int code = kDone;
  for (const std::string& name : options.names) {
    const json::object body{{"certname", name}, {"reason", options.reason}};
    const auto reply = client.call("POST", "/v1/revoke", body);
    if (!reply.done()) {
      code = worse(code, name, reply);
    } else if (member(reply.body, "revoked") == "0") {
      print_note(escaped(name) + ": every certificate is revoked or expired already.\n");
      if (code == kDone) code = kNothing;
    } else {
      print(escaped(name) + "\trevoked\n");
    }
  }
  return code;
}

int clean(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  json::array names;
  for (const std::string& name : options.names) names.emplace_back(name);
  const json::object body{{"certnames", std::move(names)}};
  const json::value answer = client.must("POST", "/v1/clean", body);
  for (const auto& name : answer.at("cleaned").as_array()) {
    print(escaped(name.as_string()) + "\tcleaned\n");
  }
  for (const auto& name : answer.at("not_found").as_array()) {
    print_note(escaped(name.as_string()) +
               ": there is nothing of this name. `countersign list --state signed` shows what "
               "there is.\n");
  }
  return answer.at("not_found").as_array().empty() ? kDone : kNothing;
}

}  // namespace

void add_revoke(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  options->reason = "unspecified";
  CLI::App* verb = app.add_subcommand("revoke", "Revoke every live certificate of a name, or one");
  verb->add_option("name", options->names, "Certnames");
  verb->add_option("--serial", options->serial, "One certificate, in hexadecimal");
  verb->add_option("--reason", options->reason,
                   "unspecified, keyCompromise, affiliationChanged, superseded, "
                   "cessationOfOperation or privilegeWithdrawn")
      ->capture_default_str();
  on_chosen(*verb, invocation, options, revoke);
}

void add_clean(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("clean", "Revoke and free a name, so that its machine can enrol again");
  verb->add_option("name", options->names, "Certnames")->required();
  on_chosen(*verb, invocation, options, clean);
}

}  // namespace countersign::cli
