#include "ca/decider_question.h"

#include <algorithm>
#include <boost/json.hpp>

#include "ca/enrolment.h"
#include "x509/pem.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

bool is_secret(std::string_view text) { return text.find(kEnrolmentPrefix) != text.npos; }

json::array names_of(const std::vector<x509::GeneralName>& names) {
  json::array list;
  for (const x509::GeneralName& name : names) list.emplace_back(x509::to_string(name));
  return list;
}

json::object extensions_of(const policy::Facts& facts) {
  json::object object;
  for (const policy::RequestedExtension& extension : facts.extensions) {
    if (extension.oid == policy::kPresharedKeyOid) continue;
    if (extension.text && is_secret(*extension.text)) continue;
    json::value& value = object[policy::short_name_of(extension.oid)];
    if (extension.text) value = *extension.text;
  }
  return object;
}

json::object attributes_of(const policy::Facts& facts) {
  json::object object;
  for (const auto& [oid, values] : facts.attributes) {
    if (oid == x509::oid::kChallengePassword || oid == policy::kPresharedKeyOid) continue;
    if (std::ranges::any_of(values, is_secret)) continue;
    json::array list;
    for (const std::string& value : values) list.emplace_back(value);
    object[policy::short_name_of(oid)] = std::move(list);
  }
  return object;
}

json::object facts_of(const Examined& request) {
  const policy::Facts& facts = request.facts;
  json::object object;
  object["names"] = names_of(request.csr->subject_alt_names());
  object["extensions"] = extensions_of(facts);
  object["attributes"] = attributes_of(facts);
  object["key"] = json::object{
      {"algorithm", facts.key_algorithm}, {"bits", facts.key_bits}, {"sha256", facts.key_sha256}};
  object["token"] = nullptr;
  if (facts.token && facts.token->problem.empty()) object["token"] = facts.token->id;
  object["identity"] = nullptr;
  if (facts.identity && facts.identity->problem.empty()) {
    json::object claims;
    for (const auto& [name, value] : facts.identity->claims) claims[name] = value;
    object["identity"] = std::move(claims);
  }
  object["live_certificate"] = facts.has_live_certificate;
  return object;
}

json::object grant_of(const Grant& grant) {
  json::array extensions;
  for (const x509::Extension& extension : grant.extensions) {
    extensions.emplace_back(policy::short_name_of(extension.oid));
  }
  return {{"names", names_of(grant.names)}, {"extensions", std::move(extensions)}};
}

// Also what OpenSSL would not show as a password: a token can stand in any extension.
bool holds_secret(const x509::Csr& csr) {
  return carries_secret(csr.der()) || is_secret(as_text(csr.der()));
}

}  // namespace

DeciderQuestion decider_question(const Examined& request, const Verdict& verdict,
                                 const Caller& caller, bool send_csr) {
  DeciderQuestion question;
  question.certname = request.certname;
  question.csr = x509::pem_encode(x509::kPemCsr, request.csr->der());
  json::object object;
  object["version"] = 1;
  object["request_id"] = caller.request_id;
  object["certname"] = request.certname;
  object["source"] = caller.source;
  object["rule"] = verdict.decision.rule;
  object["profile"] = verdict.decision.profile;
  object["facts"] = facts_of(request);
  object["grant"] = grant_of(verdict.grant);
  if (send_csr && !holds_secret(*request.csr)) object["csr"] = question.csr;
  question.json = json::serialize(object);
  return question;
}

}  // namespace countersign::ca
