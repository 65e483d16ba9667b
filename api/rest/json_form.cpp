#include "api/rest/json_form.h"

#include <algorithm>

#include "x509/crl.h"
#include "x509/digest.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

json::value time_or_null(const std::optional<Timestamp>& time) {
  if (!time) return nullptr;
  return json::value(to_rfc3339(*time));
}

// So many names of a row are shown in a list: a page of them must stay small.
constexpr std::size_t kNamesInList = 20;

// "DNS:a, IP:b" as a list of at most `most`.
json::array names_list(std::string_view names, std::size_t most) {
  json::array list;
  while (!names.empty() && list.size() < most) {
    const std::size_t end = names.find(", ");
    const std::string_view one = names.substr(0, end);
    list.emplace_back(json::string_view(one.data(), one.size()));
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 2);
  }
  return list;
}

// How many names there are; a comma within a value is escaped.
std::size_t count_names(std::string_view names) {
  if (names.empty()) return 0;
  return static_cast<std::size_t>(std::ranges::count(names, ',')) + 1;
}

json::array approvals_list(const store::RequestRecord& request) {
  json::array list;
  for (const store::ApprovalRecord& approval : request.approvals) {
    list.push_back(json::object{{"person", approval.person},
                                {"credential", approval.credential},
                                {"at", to_rfc3339(approval.at)}});
  }
  return list;
}

std::size_t most_names(bool whole) { return whole ? std::string::npos : kNamesInList; }

}  // namespace

std::string certificate_pem(const store::CertificateRecord& certificate) {
  return x509::pem_encode(x509::kPemCertificate, certificate.der);
}

json::object to_json(const store::RequestRecord& request, bool whole) {
  json::object object{{"id", request.id},
                      {"certname", request.certname},
                      {"state", store::to_string(request.state)},
                      {"reason", request.reason},
                      {"rule", request.rule},
                      {"source", request.source},
                      {"caller", request.caller},
                      {"token", request.token},
                      {"key", request.key},
                      {"names", names_list(request.names, most_names(whole))},
                      {"names_total", count_names(request.names)},
                      {"created_at", to_rfc3339(request.created_at)},
                      {"decided_at", time_or_null(request.decided_at)},
                      {"decided_by", request.decided_by},
                      {"approvals_needed", request.approvals_needed},
                      {"approvals", approvals_list(request)},
                      {"serial", to_hex(request.serial)}};
  if (whole) {
    json::error_code error;
    json::value trace = json::parse(request.trace, error);
    object["trace"] = error ? json::value(json::array()) : std::move(trace);
    object["identity"] =
        request.identity.empty() ? json::value(nullptr) : json::parse(request.identity, error);
    object["csr"] = x509::pem_encode(x509::kPemCsr, request.csr);
  }
  return object;
}

json::object to_json(const store::CertificateRecord& certificate, Timestamp now, bool whole) {
  json::object object{{"serial", to_hex(certificate.serial)},
                      {"certname", certificate.certname},
                      {"state", store::to_string(store::state_of(certificate, now))},
                      {"current", certificate.current},
                      {"not_before", to_rfc3339(certificate.not_before)},
                      {"not_after", to_rfc3339(certificate.not_after)},
                      {"issued_at", to_rfc3339(certificate.issued_at)},
                      {"profile", certificate.profile},
                      {"rule", certificate.rule},
                      {"key", certificate.key},
                      {"names", names_list(certificate.names, most_names(whole))},
                      {"names_total", count_names(certificate.names)},
                      {"revoked_at", nullptr},
                      {"revocation_reason", nullptr},
                      {"fingerprint_sha256", nullptr}};
  // An import can know of a certificate without having it.
  const bool there = !certificate.der.empty();
  if (there) object["fingerprint_sha256"] = x509::colon_hex(x509::sha256(certificate.der));
  if (certificate.revocation) {
    object["revoked_at"] = to_rfc3339(certificate.revocation->at);
    object["revocation_reason"] =
        x509::to_string(static_cast<x509::RevocationReason>(certificate.revocation->reason));
  }
  if (whole) object["certificate"] = there ? json::value(certificate_pem(certificate)) : nullptr;
  return object;
}

json::object to_json(const ca::Grant& grant) {
  json::array names;
  for (const auto& name : grant.names) names.emplace_back(x509::to_string(name));
  json::array extensions;
  for (const auto& extension : grant.extensions) {
    extensions.emplace_back(policy::short_name_of(extension.oid) + "=" +
                            x509::text_of(extension).value_or("(not a text)"));
  }
  return {{"names", std::move(names)}, {"extensions", std::move(extensions)}};
}

json::object to_json(const store::TokenRecord& token) {
  return {{"id", token.id},
          {"role", token.role},
          {"label", token.label},
          {"scope", token.scope.empty() ? json::value(nullptr) : json::parse(token.scope)},
          {"created_by", token.created_by},
          {"created_at", to_rfc3339(token.created_at)},
          {"expires_at", time_or_null(token.expires_at)},
          {"revoked_at", time_or_null(token.revoked_at)}};
}

json::object to_json(const store::EnrolmentTokenRecord& token, Timestamp now) {
  const char* state = token.revoked_at           ? "revoked"
                      : token.used >= token.uses ? "used"
                      : now >= token.expires_at  ? "expired"
                                                 : "good";
  json::error_code error;
  json::value bounds = json::parse(token.bounds, error);
  return {{"id", token.id},
          {"certname", token.certname},
          {"state", state},
          {"bounds", error ? json::value(json::object()) : std::move(bounds)},
          {"label", token.label},
          {"uses", token.uses},
          {"used", token.used},
          {"created_by", token.created_by},
          {"created_at", to_rfc3339(token.created_at)},
          {"expires_at", to_rfc3339(token.expires_at)},
          {"revoked_at", time_or_null(token.revoked_at)}};
}

json::object to_json(const store::AuditRecord& row) {
  json::error_code error;
  json::value detail = json::parse(row.detail, error);
  return {{"sequence", row.sequence},
          {"at", to_rfc3339(row.at)},
          {"action", row.action},
          {"actor", row.actor},
          {"source", row.source},
          {"subject", row.subject},
          {"serial", row.serial},
          {"detail", error ? json::value(json::object()) : std::move(detail)},
          {"request_id", row.request_id}};
}

json::object to_json(const ca::Explanation& explanation) {
  const policy::Decision& decision = explanation.decision;
  json::array names;
  for (const auto& name : decision.granted.names) names.emplace_back(name.type + ":" + name.value);
  json::array extensions;
  for (const auto& oid : decision.granted.extensions) {
    extensions.emplace_back(policy::short_name_of(oid));
  }
  json::array limits;
  for (const ca::LimitUse& use : explanation.limits) {
    limits.push_back(json::object{
        {"limit", use.limit.text}, {"used", use.used}, {"free_at", time_or_null(use.free_at)}});
  }
  return {{"action", policy::to_string(decision.action)},
          {"rule", decision.rule},
          {"reason", decision.reason},
          {"profile", decision.profile},
          {"certname", explanation.certname},
          {"names", std::move(names)},
          {"extensions", std::move(extensions)},
          {"reuse", policy::to_string(decision.reuse)},
          {"approvals_needed", decision.approvals},
          {"limits", std::move(limits)},
          {"trace", json::parse(policy::trace_to_json(decision.trace))}};
}

Response json_response(unsigned status, const json::value& body) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = json::serialize(body);
  return response;
}

}  // namespace countersign::api
