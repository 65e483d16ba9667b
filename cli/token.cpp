// countersign token create, list and revoke
#include "base/clock.h"
#include "cli/client.h"
#include "cli/enrolment_token.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  std::string role;
  std::string label;
  std::string expires;
  std::string id;
  bool enrolment = false;
  std::string match;
  EnrolmentOptions machines;
  bool json = false;
};

int create(const Options& options, const std::string& client_file) {
  const bool enrolment = orders_enrolment(options.machines);
  if (enrolment == !options.role.empty()) {
    throw Failure(kUsage,
                  "Give the names of machines (or --file, --match) for enrolment tokens, or --role "
                  "for a token of a person or pipeline.");
  }
  json::object order{{"label", options.label}};
  if (!options.expires.empty()) {
    const auto lifetime = parse_duration(options.expires);
    if (!lifetime || lifetime->count() == 0) {
      throw Failure(kUsage, "--expires takes a duration such as 90d or 12h.");
    }
    order["lifetime_seconds"] = lifetime->count();
  }
  Client client(find_client_config(client_file));
  if (enrolment) {
    return create_enrolment_tokens(client, options.machines, std::move(order), options.json);
  }
  order["role"] = options.role;
  const json::value made = client.must("POST", "/v1/tokens", order);
  if (options.json) {
    print(json::serialize(made) + "\n");
    return kDone;
  }
  print(member(made, "token") + "\n");
  print_note("Token " + member(made, "id") + " (" + member(made, "role") +
             "). The line above is its only copy: the server keeps a hash.\n");
  return kDone;
}

int list(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  if (options.enrolment) return list_enrolment_tokens(client, options.match, options.json);
  const json::value answer = client.must("GET", "/v1/tokens");
  const json::array& rows = answer.at("tokens").as_array();
  if (options.json) {
    print(json::serialize(rows) + "\n");
    return kDone;
  }
  std::vector<Row> lines;
  for (const json::value& row : rows) {
    const std::string revoked = member(row, "revoked_at");
    const std::string expires = member(row, "expires_at");
    lines.push_back({member(row, "id"), member(row, "role"), member(row, "label"),
                     member(row, "created_at"),
                     !revoked.empty()   ? "revoked " + revoked
                     : !expires.empty() ? "until " + expires
                                        : "no end"});
  }
  if (lines.empty()) print_note("There is no token.\n");
  const bool aligned = output_is_terminal() && !lines.empty();
  print(format_table({"ID", "ROLE", "LABEL", "CREATED", "VALID"}, lines, aligned));
  return kDone;
}

int revoke(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  const auto reply = client.call("POST", "/v1/tokens/" + url_encoded(options.id) + "/revoke");
  if (!reply.done()) {
    const bool missing = reply.status == 404;
    throw Failure(
        missing ? kNothing : kFailed,
        reply.problem() + (missing ? " `countersign token list` shows what there is." : ""));
  }
  print(escaped(options.id) + "\trevoked\n");
  return kDone;
}

}  // namespace

void add_token(CLI::App& app, Invocation& invocation) {
  CLI::App* token = app.add_subcommand(
      "token", "Tokens for the enrolment of machines, and for people and pipelines");
  token->require_subcommand(1);

  auto created = std::make_shared<Options>();
  CLI::App* verb = token->add_subcommand("create", "Make a token and print it, once");
  add_enrolment_options(*verb, created->machines);
  verb->add_option("--role", created->role, "Instead: what a person or pipeline may do with it")
      ->check(CLI::IsMember({"pipeline", "operator", "auditor"}));
  verb->add_option("--label", created->label, "What it is for");
  verb->add_option("--expires", created->expires,
                   "After how long it ends: 90d, 12h (default: 1d; never, with --role)");
  verb->add_flag("--json", created->json, "JSON instead of the bare token");
  on_chosen(*verb, invocation, created, create);

  auto listed = std::make_shared<Options>();
  verb = token->add_subcommand("list", "Show the tokens, not their secrets");
  verb->add_flag("--enrolment", listed->enrolment, "Those of machines");
  verb->add_option("--match", listed->match, "With --enrolment: only names that match");
  verb->add_flag("--json", listed->json, "JSON instead of columns");
  on_chosen(*verb, invocation, listed, list);

  auto revoked = std::make_shared<Options>();
  verb = token->add_subcommand("revoke", "End a token");
  verb->add_option("id", revoked->id, "Its id, as `token list` shows it")->required();
  on_chosen(*verb, invocation, revoked, revoke);
}

}  // namespace countersign::cli
