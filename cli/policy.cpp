// countersign policy check and explain
#include "base/file_system.h"
#include "ca/enrolment.h"
#include "ca/facts.h"
#include "ca/presented_identity.h"
#include "ca/rule_context.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/policy_verbs.h"
#include "cli/queue.h"
#include "cli/service_config.h"
#include "cli/terminal.h"
#include "cli/trace_text.h"
#include "cli/verbs.h"
#include "policy/rule_set.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t kTokenFileBytes = 4096;

struct Options {
  std::string csr;
  std::string source;
  std::string policy;
  std::string identity;
  std::string token_file;
  bool json = false;
};

constexpr std::size_t kDocumentBytes = std::size_t{128} * 1024;

// The identity document that would come beside the request, "" for none.
std::string document_of(const Options& options) {
  if (options.identity.empty()) return "";
  std::string text = required(system_files().read(options.identity, kDocumentBytes), kUsage);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// The profiles and deciders of the service whose folder the policy lies in; any, where there is no
// service.
policy::LoadContext load_context(const fs::path& file) {
  const auto config = load_service_config(file.parent_path() / "countersign.toml");
  if (config.has_value()) return ca::rule_context(config->authority);
  policy::LoadContext any;
  any.any_profile = true;
  return any;
}

int check(const Options& options, const std::string&) {
  const auto rules = load_policy(options.policy);
  const std::size_t count = rules->size();
  print("ok: " + std::to_string(count) + (count == 1 ? " rule\n" : " rules\n"));
  return kDone;
}

// The form of the server's answer.
json::value explain_here(const Options& options, const std::string& pem) {
  const auto rules = load_policy(options.policy);
  const auto csr = required(x509::Csr::parse_pem(pem), kFailed, options.csr);
  const auto certname = required(ca::certname_of(*csr, ""), kFailed);
  policy::Facts facts = ca::facts_of(*csr, options.source);
  if (!ca::presented_secret({}, *csr).empty()) {
    facts.token =
        policy::PresentedToken{"", "a token came; only the server can tell whether it is good", ""};
  }
  ca::Submission beside;
  beside.identity = Secret(document_of(options));
  if (!ca::presented_document(beside, *csr).empty()) {
    facts.identity = policy::PresentedIdentity{
        "", "only the server can tell what an identity document proves", {}};
  }
  policy::Explanation explained = rules->explain(facts);
  policy::Decision& decision = explained.decision;
  if (decision.action == policy::Action::sign && !decision.ask.empty()) {
    decision.reason += "; the server would ask the decider '" + decision.ask +
                       "', which can still queue or deny it";
  }
  return json::object{{"action", policy::to_string(decision.action)},
                      {"rule", decision.rule},
                      {"reason", decision.reason},
                      {"certname", certname},
                      {"reuse", policy::to_string(decision.reuse)},
                      {"trace", json::parse(policy::trace_to_json(decision.trace))},
                      {"nearest", json::parse(policy::nearest_to_json(explained.nearest))}};
}

// The first line: an editor ends it.
std::string secret_of(const std::string& file) {
  const std::string text = required(system_files().read(file, kTokenFileBytes), kUsage);
  std::string secret = text.substr(0, text.find_first_of("\r\n"));
  if (secret.empty()) throw Failure(kUsage, escaped(file) + " holds no token.");
  return secret;
}

json::value explain_there(const Options& options, const std::string& pem,
                          const std::string& client_file) {
  Client client(find_client_config(client_file));
  json::object question{
      {"csr", pem}, {"source", options.source}, {"identity", document_of(options)}};
  if (!options.token_file.empty()) question["token"] = secret_of(options.token_file);
  return client.must("POST", "/v1/policy/explain", question);
}

// What the server says of the token that came, "" if none did.
std::string token_text(const json::value& answer) {
  const json::value* token = answer.as_object().if_contains("token");
  if (token == nullptr || !token->is_object()) return "";
  const std::string problem = member(*token, "problem");
  return problem.empty() ? "  token " + escaped(member(*token, "id")) + ": good for this request\n"
                         : "  token: not good: " + escaped(problem) + "\n";
}

// A line for each limit of the rule that decided.
std::string limits_text(const json::value& answer) {
  const json::value* limits = answer.as_object().if_contains("limits");
  if (limits == nullptr || !limits->is_array()) return "";
  std::string text;
  for (const json::value& limit : limits->get_array()) {
    text += "  limit " + escaped(member(limit, "limit")) + ": " + member(limit, "used") + " used\n";
  }
  return text;
}

int explain(const Options& options, const std::string& client_file) {
  if (!options.token_file.empty() && !options.policy.empty()) {
    throw Failure(kUsage,
                  "--token-file needs the server, which alone can tell whether a token is good; "
                  "--policy does without one.");
  }
  const std::string pem =
      required(system_files().read(options.csr, x509::Csr::kMaxBytes * 2), kUsage);
  const json::value answer = options.policy.empty() ? explain_there(options, pem, client_file)
                                                    : explain_here(options, pem);
  if (options.json) {
    print(json::serialize(answer) + "\n");
  } else {
    print(escaped(member(answer, "certname")) + ": " + member(answer, "action") + " (" +
          escaped(member(answer, "reason")) + ")\n" + trace_tree(answer.at("trace"), "  ") +
          token_text(answer) + limits_text(answer));
    const json::value* nearest = answer.as_object().if_contains("nearest");
    if (nearest != nullptr && nearest->is_object())
      print(escaped(member(*nearest, "advice")) + "\n");
  }
  return kDone;
}

}  // namespace

std::shared_ptr<const policy::RuleSet> load_policy(const fs::path& file) {
  return required(policy::RuleSet::load(file, load_context(file)), kUsage);
}

void add_policy(CLI::App& app, Invocation& invocation) {
  CLI::App* policy =
      app.add_subcommand("policy", "Check, test and compare policies, and ask what they decide");
  policy->require_subcommand(1);

  auto checked = std::make_shared<Options>();
  CLI::App* verb =
      policy->add_subcommand("check", "Read a policy file and say what is wrong in it");
  verb->add_option("file", checked->policy, "The policy file")->required();
  on_chosen(*verb, invocation, checked, check);

  auto explained = std::make_shared<Options>();
  verb = policy->add_subcommand("explain", "What would be decided, and why, rule by rule");
  verb->add_option("--csr", explained->csr, "The request, PEM")->required();
  verb->add_option("--source", explained->source, "The address that it would come from");
  verb->add_option("--identity", explained->identity,
                   "A file with the identity document that would come with it: aws:…, azure:…, "
                   "jwt:…");
  verb->add_option("--policy", explained->policy,
                   "A policy file to try here, instead of the one that the server uses");
  verb->add_option("--token-file", explained->token_file,
                   "Holds an enrolment token that would come with it");
  verb->add_flag("--json", explained->json, "JSON");
  on_chosen(*verb, invocation, explained, explain);

  add_policy_test(*policy, invocation);
  add_policy_diff(*policy, invocation);
  add_policy_replay(*policy, invocation);
  add_policy_reload(*policy, invocation);
}

}  // namespace countersign::cli
