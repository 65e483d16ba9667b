#include "cli/puppet_counterparts.h"

namespace countersign::cli {
namespace {

using Autosign = ca::PuppetSettings::Autosign;

// puppet.conf takes one number with one unit.
std::string duration(std::chrono::seconds time) {
  constexpr std::int64_t kDay = 86400;
  return time.count() % kDay == 0 ? std::to_string(time.count() / kDay) + "d"
                                  : std::to_string(time.count()) + "s";
}

// What decides where no rule does. Without rules the default is the whole policy.
std::string autosign(const ca::PuppetSettings& puppet, const policy::RuleSet& policy) {
  if (puppet.autosign == Autosign::file) {
    return std::filesystem::absolute(puppet.autosign_file).lexically_normal().string();
  }
  const bool signs_all = puppet.autosign == Autosign::unset && policy.size() == 0 &&
                         policy.decide({}).action == policy::Action::sign;
  return puppet.autosign == Autosign::all || signs_all ? "true" : "false";
}

bool same_content(const ca::Profile& one, const ca::Profile& other) {
  return one.key_usage == other.key_usage && one.extended_key_usage == other.extended_key_usage &&
         one.crl_distribution_points == other.crl_distribution_points && one.ocsp == other.ocsp &&
         one.ca_issuers == other.ca_issuers && one.backdate == other.backdate;
}

void add_infra_and_proxies(const ca::PuppetSettings& puppet, std::vector<std::string>& without) {
  if (!puppet.infra_inventory.empty()) {
    without.push_back(
        "enable_infra_crl: the same is enable-infra-crl in ca.conf, and it reads "
        "infra_inventory.txt of the directory, not " +
        puppet.infra_inventory.string() + ".");
  }
  if (puppet.allow_header_cert_info) {
    without.push_back(
        "allow_header_cert_info with trusted_proxies: the same in auth.conf is "
        "allow-header-cert-info, which trusts every address. Let nothing but the TLS terminators "
        "reach that port.");
  }
  if (!puppet.renewal_proxies.empty()) {
    without.push_back("renewal_proxies: nobody renews there for another machine.");
  }
}

void add_what_has_none(const ServiceConfig& config, const policy::RuleSet& policy,
                       std::vector<std::string>& without) {
  const ca::AuthorityConfig& authority = config.authority;
  if (policy.size() > 0) {
    const bool one = policy.size() == 1;
    without.push_back(std::to_string(policy.size()) + (one ? " rule of " : " rules of ") +
                      authority.policy_file.string() +
                      (one ? ": what it signs" : ": what they sign") +
                      " by itself waits there, unless an autosign executable does the same.");
  }
  if (policy.size() == 0 && policy.decide({}).action == policy::Action::deny) {
    without.push_back("default = \"deny\" of the policy: there, a request waits instead.");
  }
  for (const auto& [name, profile] : authority.profiles) {
    if (name == "server" || (name == "agent" && same_content(profile, ca::Profile{}))) continue;
    without.push_back("[profile." + name +
                      "]: puppetserver has one profile, that of Puppet (key usage, extended key "
                      "usage, a day of backdate, no URLs).");
  }
  if (authority.puppet.autosign == Autosign::file) {
    without.push_back(
        "autosign_deadline: an autosign executable that hangs there holds its "
        "request for ever.");
    without.push_back("The file that autosign names is here, not there: copy " +
                      autosign(authority.puppet, policy) +
                      " to $confdir/autosign.conf (a program: wherever autosign names it), where "
                      "the user puppet can read it.");
  }
  add_infra_and_proxies(authority.puppet, without);
  if (!authority.operators.empty()) {
    std::string names;
    for (const std::string& name : authority.operators) names += (names.empty() ? "" : ", ") + name;
    without.push_back("[operators] certnames (" + names +
                      "): allow them in auth.conf, or give them pp_cli_auth.");
  }
  without.push_back("[crl] lifetime: a CRL there lasts 5 years.");
  without.push_back("Tokens, the audit trail, and requests that were denied or withdrawn.");
}

}  // namespace

PuppetCounterparts puppet_counterparts(const ServiceConfig& config, const policy::RuleSet& policy) {
  const ca::PuppetSettings& puppet = config.authority.puppet;
  PuppetCounterparts found;
  const auto text = [](bool value) { return std::string(value ? "true" : "false"); };
  found.puppet_conf = {
      {"autosign", autosign(puppet, policy)},
      {"allow_duplicate_certs", text(puppet.allow_duplicate_certs)},
      {"ca_ttl", duration(puppet.ca_ttl.value_or(config.authority.profiles.at("agent").validity))}};
  found.ca_conf = {{"allow-subject-alt-names", text(puppet.allow_subject_alt_names)},
                   {"allow-authorization-extensions", text(puppet.allow_authorization_extensions)}};
  if (puppet.allow_auto_renewal) {  // Puppet Server 8 knows these two
    found.ca_conf.emplace_back("allow-auto-renewal", "true");
    found.ca_conf.emplace_back("auto-renewal-cert-ttl", duration(puppet.auto_renewal_cert_ttl));
  }
  add_what_has_none(config, policy, found.without);
  return found;
}

}  // namespace countersign::cli
