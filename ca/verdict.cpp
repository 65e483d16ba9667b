#include "ca/verdict.h"

#include <algorithm>

#include "base/log.h"
#include "ca/approval.h"

namespace countersign::ca {
namespace {

using x509::GeneralName;

// As name checks see it: no regard to case, nor to the dot of a fully qualified name.
std::string host_form(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

// `pattern` is a DNS name or one with a first label of "*".
bool stands_for(const std::string& pattern, const std::string& host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::size_t dot = host.find('.');
  return dot != std::string::npos && std::string_view(host).substr(dot) == pattern.substr(1);
}

bool is_name_of_the_service(const AuthorityConfig& config, const Grant& grant) {
  return std::ranges::any_of(config.hostnames, [&](const std::string& hostname) {
    const std::string host = host_form(hostname);
    if (host_form(grant.certname) == host) return true;
    return std::ranges::any_of(grant.names, [&](const GeneralName& name) {
      const bool names_a_host =
          name.type == GeneralName::Type::dns || name.type == GeneralName::Type::ip;
      return names_a_host && stands_for(host_form(name.value), host);
    });
  });
}

}  // namespace

void hold(Verdict& verdict, std::string reason) {
  policy::Decision& decision = verdict.decision;
  decision.has_grant = decision.has_grant || decision.action == policy::Action::sign;
  decision.action = policy::Action::queue;
  decision.reason = std::move(reason);
}

void note(Verdict& verdict, const std::string& text) {
  if (verdict.decision.trace.empty() || !verdict.decision.trace.back().matched) return;
  std::string& detail = verdict.decision.trace.back().detail;
  detail += (detail.empty() ? "" : "; ") + text;
}

Verdict verdict_of(policy::Decision decision, const Examined& request,
                   const AuthorityConfig& config) {
  Verdict verdict;
  verdict.decision = std::move(decision);
  verdict.by = verdict.decision.rule;
  if (verdict.decision.action == policy::Action::sign) {
    verdict.grant = grant_of_rule(*request.csr, request.certname, verdict.decision.granted);
    verdict.grant.validity = usual_validity(config.puppet, *request.csr);
  }
  return verdict;
}

Verdict decide(const policy::RuleSet& rules, const Examined& request,
               const AuthorityConfig& config) {
  return verdict_of(rules.decide(request.facts), request, config);
}

bool autosign_decides(const PuppetSettings& settings, const Submission& submission,
                      const Verdict& verdict) {
  return submission.puppet && verdict.decision.rule.empty() &&
         settings.autosign != PuppetSettings::Autosign::unset;
}

void apply_autosign(const PuppetSettings& settings, const Examined& request,
                    const Result<AutosignAnswer>& answer, Verdict& verdict) {
  verdict.by = kPuppetAutosign;
  verdict.decision.action = policy::Action::queue;
  if (answer.has_error()) {
    log::warn("autosign_failed",
              {{"certname", request.certname}, {"error", answer.error().detail}});
    verdict.decision.reason = answer.error().detail;
    return;
  }
  verdict.decision.reason = answer->reason;
  if (!answer->sign) return;
  auto grant =
      grant_of_approval(*request.csr, request.certname,
                        {.subject_alt_names = settings.allow_subject_alt_names,
                         .authorization_extensions = settings.allow_authorization_extensions,
                         .puppet = true,
                         .validity = usual_validity(settings, *request.csr)});
  if (grant.has_error()) {
    verdict.decision.reason = grant.error().detail;
    verdict.refusal = grant.error();
    return;
  }
  verdict.decision.action = policy::Action::sign;
  verdict.decision.reason = "puppet autosign";
  verdict.grant = std::move(*grant);
}

bool has_standing(const AuthorityConfig& config, const std::string& certname) {
  return config.standings.contains(certname) ||
         std::ranges::find(config.operators, certname) != config.operators.end();
}

void hold_outside_rules(const Caller& caller, Verdict& verdict) {
  if (verdict.decision.action != policy::Action::sign) return;
  if (rule_in_scope(caller, verdict.by).has_value()) return;
  hold(verdict, (verdict.by.empty() ? "the default" : "rule '" + verdict.by + "'") +
                    " would sign it, but the credential that handed it in is narrowed to " +
                    caller.scope->describe());
}

std::string_view reserved(const AuthorityConfig& config, const Grant& grant) {
  if (has_standing(config, grant.certname)) {
    return "it would have a role by its name";
  }
  if (is_name_of_the_service(config, grant)) {
    return "it would stand for a name of the CA service itself";
  }
  const bool dotted = grant.certname.ends_with('.') ||
                      std::ranges::any_of(grant.names, [](const GeneralName& name) {
                        return name.type == GeneralName::Type::dns && name.value.ends_with('.');
                      });
  if (dotted) return "a name that ends in a dot stands for the host without the dot";
  return "";
}

void hold_reserved_name(const AuthorityConfig& config, Verdict& verdict) {
  if (verdict.decision.action != policy::Action::sign) return;
  const std::string_view why = reserved(config, verdict.grant);
  if (why.empty()) return;
  verdict.decision.action = policy::Action::queue;
  const char* who = has_standing(config, verdict.grant.certname) ? "an admin" : "an operator";
  verdict.decision.reason = std::string(why) + "; only " + who + " can sign it";
}

}  // namespace countersign::ca
