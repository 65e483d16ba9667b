#include "ca/token_identity.h"

#include <boost/json.hpp>
#include <initializer_list>
#include <utility>

#include "ca/strict_json.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostClaims = 64;

const json::object* object_member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains({name.data(), name.size()});
  return member != nullptr && member->is_object() ? &member->get_object() : nullptr;
}

Result<void> add_claims(
    const json::object* object,
    std::initializer_list<std::pair<std::string_view, std::string_view>> members, Claims& claims) {
  if (object == nullptr) return {};
  for (const auto& [member, name] : members) {
    const auto added = add_claim(*object, member, name, claims);
    if (added.has_error()) return added.error();
  }
  return {};
}

}  // namespace

Result<Identity> read_gcp_claims(const JsonWebToken& token) {
  Identity identity;
  identity.kind = "gcp";
  identity.issued_at = token.issued_at();
  Claims& claims = identity.claims;
  const json::object* google = object_member(token.claims(), "google");
  const json::object* engine = google ? object_member(*google, "compute_engine") : nullptr;
  if (engine == nullptr) {
    return fail(Code::bad_proof,
                "It says nothing of an instance: the machine must ask for format=full.");
  }
  auto added = add_claims(engine,
                          {{"project_id", "gcp.project"},
                           {"project_number", "gcp.project_number"},
                           {"zone", "gcp.zone"},
                           {"instance_id", "gcp.instance_id"},
                           {"instance_name", "gcp.instance_name"}},
                          claims);
  if (added.has_error()) return added.error();
  const json::value* verified = token.claims().if_contains("email_verified");
  if (verified != nullptr && verified->is_bool() && verified->get_bool()) {
    added = add_claim(token.claims(), "email", "gcp.service_account", claims);
    if (added.has_error()) return added.error();
  }
  const auto complete = require_claims(claims, {"gcp.project", "gcp.zone", "gcp.instance_id"});
  if (complete.has_error()) return complete.error();
  identity.subject =
      claims["gcp.project"] + "/" + claims["gcp.zone"] + "/" + claims["gcp.instance_id"];
  return identity;
}

Result<Identity> read_kubernetes_claims(const JsonWebToken& token) {
  Identity identity;
  identity.kind = "kubernetes";
  identity.issued_at = token.issued_at();
  Claims& claims = identity.claims;
  const json::object* own = object_member(token.claims(), "kubernetes.io");
  if (own == nullptr)
    return fail(Code::bad_proof, "It is no token of a Kubernetes service account.");
  for (const auto& added :
       {add_claims(own, {{"namespace", "k8s.namespace"}}, claims),
        add_claims(object_member(*own, "serviceaccount"), {{"name", "k8s.service_account"}},
                   claims),
        add_claims(object_member(*own, "pod"), {{"name", "k8s.pod"}, {"uid", "k8s.pod_uid"}},
                   claims),
        add_claims(object_member(*own, "node"), {{"name", "k8s.node"}}, claims)}) {
    if (added.has_error()) return added.error();
  }
  const auto complete = require_claims(claims, {"k8s.namespace", "k8s.service_account"});
  if (complete.has_error()) return complete.error();
  const std::string account = claims["k8s.namespace"] + ":" + claims["k8s.service_account"];
  if (text_member(token.claims(), "sub") != "system:serviceaccount:" + account) {
    return fail(Code::bad_proof, "Its 'sub' is not the service account that it names.");
  }
  identity.subject = token.issuer() + " " + account;
  const auto pod = claims.find("k8s.pod");
  const auto uid = claims.find("k8s.pod_uid");
  if (pod == claims.end() && uid == claims.end()) return identity;
  if (pod == claims.end() || uid == claims.end()) {
    return fail(Code::bad_proof, "It gives its pod's name without the uid, or the reverse.");
  }
  identity.subject += "/" + pod->second + "/" + uid->second;
  return identity;
}

Result<Identity> read_oidc_claims(const JsonWebToken& token, const std::string& name) {
  Identity identity;
  identity.kind = "oidc";
  identity.issued_at = token.issued_at();
  const auto subject = text_member(token.claims(), "sub");
  if (!subject || subject->empty()) return fail(Code::bad_proof, "It has no 'sub'.");
  for (const auto& [member, value] : token.claims()) {
    const bool plain =
        value.is_string() || value.is_int64() || value.is_uint64() || value.is_bool();
    if (!plain) continue;
    const std::string claim = "oidc." + name + "." + std::string(member);
    // What is too long or has control characters is no fact; only the instance must be one.
    const auto added = add_claim(token.claims(), member, claim, identity.claims);
    if (added.has_error() && member == "sub") return added.error();
    if (identity.claims.size() > kMostClaims) {
      return fail(Code::bad_proof, "It has over 64 claims.");
    }
  }
  identity.subject = token.issuer() + " " + *subject;
  return identity;
}

}  // namespace countersign::ca
