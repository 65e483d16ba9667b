// `countersign policy check` and `policy explain`.
#include <iostream>

#include "base/file_system.h"
#include "ca/facts.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/service_config.h"
#include "cli/table.h"
#include "cli/trace_text.h"
#include "cli/verbs.h"
#include "policy/rule_set.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// The profiles of the service whose folder the policy lies in; any, where there is no service.
policy::LoadContext load_context(const fs::path& file) {
  policy::LoadContext context;
  const auto config = load_service_config(file.parent_path() / "countersign.toml");
  context.any_profile = config.has_error();
  if (config.has_value()) {
    for (const auto& [name, profile] : config->authority.profiles) {
      if (name != "agent") context.profiles.push_back(name);
    }
  }
  return context;
}

void print_decision(const std::string& certname, const std::string& action,
                    const std::string& reason, const json::value& trace) {
  std::cout << printable(certname) << ": " << action << " (" << printable(reason) << ")\n"
            << trace_text(trace, "  ");
}

int explain_offline(const ExplainOptions& options, const std::string& pem) {
  const auto rules = policy::RuleSet::load(options.policy, load_context(options.policy));
  if (rules.has_error()) throw Failure{kUsage, rules.error().detail};
  const auto csr = x509::Csr::parse_pem(pem);
  if (csr.has_error()) throw Failure{kFailed, csr.error().detail};
  const auto certname = ca::certname_of(**csr, "");
  if (certname.has_error()) throw Failure{kFailed, certname.error().detail};
  const policy::Decision decision = (*rules)->decide(ca::facts_of(**csr, options.source));
  const json::value trace = json::parse(policy::trace_to_json(decision.trace));
  if (options.json) {
    const json::object answer{{"action", policy::to_string(decision.action)},
                              {"rule", decision.rule},
                              {"reason", decision.reason},
                              {"certname", *certname},
                              {"trace", trace}};
    std::cout << json::serialize(answer) << "\n";
  } else {
    print_decision(*certname, std::string(policy::to_string(decision.action)), decision.reason,
                   trace);
  }
  return kDone;
}

}  // namespace

int policy_check(const fs::path& file) {
  const auto rules = policy::RuleSet::load(file, load_context(file));
  if (rules.has_error()) {
    std::cerr << rules.error().detail << "\n";
    return kUsage;
  }
  std::cout << "ok: " << (*rules)->size() << " rules\n";
  return kDone;
}

int policy_explain(const ExplainOptions& options) {
  return guarded("policy explain", [&]() -> int {
    const auto pem = system_files().read(options.csr, x509::Csr::kMaxBytes * 2);
    if (pem.has_error()) throw Failure{kUsage, pem.error().detail};
    if (!options.policy.empty()) return explain_offline(options, *pem);
    Client client = Client::open(options.client);
    const json::value answer = client.must("POST", "/v1/policy/explain",
                                           json::object{{"csr", *pem}, {"source", options.source}});
    if (options.json) {
      std::cout << json::serialize(answer) << "\n";
    } else {
      print_decision(member(answer, "certname"), member(answer, "action"), member(answer, "reason"),
                     answer.at("trace"));
    }
    return kDone;
  });
}

}  // namespace countersign::cli
