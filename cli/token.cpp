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
  std::vector<std::string> only_names;
  std::vector<std::string> only_rules;
  std::string expires;
  std::string id;
  bool enrolment = false;
  std::string match;
  EnrolmentOptions machines;
  bool json = false;
};

json::array texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

// "ci-* by 'ci machines'"; "everything".
std::string scope_text(const json::value& token) {
  const json::value* scope = token.as_object().if_contains("scope");
  if (scope == nullptr || !scope->is_object()) return "everything";
  const auto listed = [&](const char* key) {
    std::string text;
    const json::value* list = scope->get_object().if_contains(key);
    if (list == nullptr || !list->is_array()) return text;
    for (const json::value& item : list->get_array()) {
      if (!item.is_string()) continue;
      text += (text.empty() ? "" : ", ") + std::string(item.get_string());
    }
    return text;
  };
  const std::string rules = listed("rules");
  std::string text = listed("certnames");
  if (!rules.empty()) text += (text.empty() ? "by " : " by ") + rules;
  return text;
}

int create(const Options& options, const std::string& client_file) {
  const bool enrolment = orders_enrolment(options.machines);
  if (enrolment == !options.role.empty()) {
    throw Failure(kUsage,
                  "Give the names of machines (or --file, --match) for enrolment tokens, or --role "
                  "for a token of a person or pipeline.");
  }
  json::object order{{"label", options.label}};
  if (enrolment && !options.only_names.empty()) {
    throw Failure(kUsage, "--certname is for tokens with --role. Give the names by themselves.");
  }
  if (!options.expires.empty()) {
    const auto lifetime = parse_duration(options.expires);
    if (!lifetime || lifetime->count() == 0) {
      throw Failure(kUsage, "--expires takes a duration such as 90d or 12h.");
    }
    order["lifetime_seconds"] = lifetime->count();
  }
  Client client(find_client_config(client_file));
  if (enrolment) {
    if (!options.only_rules.empty()) order["rules"] = texts(options.only_rules);
    return create_enrolment_tokens(client, options.machines, std::move(order), options.json);
  }
  order["role"] = options.role;
  json::object scope;
  if (!options.only_names.empty()) scope["certnames"] = texts(options.only_names);
  if (!options.only_rules.empty()) scope["rules"] = texts(options.only_rules);
  if (!scope.empty()) order["scope"] = std::move(scope);
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
    lines.push_back({member(row, "id"), member(row, "role"), scope_text(row), member(row, "label"),
                     member(row, "created_by"), member(row, "created_at"),
                     !revoked.empty()   ? "revoked " + revoked
                     : !expires.empty() ? "until " + expires
                                        : "no end"});
  }
  if (lines.empty()) print_note("There is no token.\n");
  const bool aligned = output_is_terminal() && !lines.empty();
  print(format_table({"ID", "ROLE", "ONLY", "LABEL", "BY", "CREATED", "VALID"}, lines, aligned));
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
      ->check(CLI::IsMember({"pipeline", "auditor", "operator", "admin"}));
  verb->add_option("--certname", created->only_names,
                   "With --role: only for names like 'ci-*' or '/ci-[0-9]+/'; may be repeated");
  verb->add_option("--rule", created->only_rules,
                   "Only for this rule of the policy; may be repeated");
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
