#include "ca/presented_identity.h"

#include <algorithm>
#include <boost/json.hpp>

#include "ca/strict_json.h"
#include "ca/succession.h"
#include "policy/enrolment_token.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;
using store::CertificateState;

Bytes key_of(const x509::Csr& csr) { return x509::sha256(csr.public_key().spki()); }

// The live certificate of the instance: that which it was bound to, or what the name stands for by
// now with the same key, after a renewal.
Result<std::optional<store::CertificateRecord>> live_of(const store::Store& store,
                                                        const store::InstanceRecord& instance,
                                                        Timestamp now) {
  auto holder = holder_of(store, instance.certname, now);
  if (holder.has_error()) return holder.error();
  if (*holder && store::state_of(**holder, now) == CertificateState::signed_) {
    const auto parsed = x509::Certificate::parse((*holder)->der);
    if (parsed.has_value() && x509::sha256((*parsed)->public_key().spki()) == instance.key_sha256) {
      return holder;
    }
  }
  auto bound = store.certificate(instance.issuer, instance.serial);
  if (bound.has_error()) return bound.error();
  if (*bound && store::state_of(**bound, now) != CertificateState::signed_) bound->reset();
  return bound;
}

// Why an instance with this certificate may not have one for this key and name; "" if it may.
std::string conflict_with(const store::InstanceRecord& instance,
                          const std::optional<store::CertificateRecord>& live, const Bytes& key,
                          const std::string& certname) {
  if (!live) return "";
  const bool same_key = instance.key_sha256 == key;
  if (same_key && instance.certname == certname) return "";
  return "its instance has the live certificate " + to_hex(live->serial) + " of " + live->certname +
         (same_key ? ", under another name" : ", with another key") + "; revoke that one first";
}

}  // namespace

std::string_view presented_document(const Submission& submission, const x509::Csr& csr) {
  if (!submission.identity.empty()) return submission.identity.view();
  for (const std::string_view oid : {x509::oid::kChallengePassword, policy::kPresharedKeyOid}) {
    const auto found = std::ranges::find(csr.attributes(), oid, &x509::Attribute::oid);
    if (found == csr.attributes().end()) continue;
    for (const std::string& value : found->values) {
      if (is_identity_document(value)) return value;
    }
  }
  // By its OID it is an extension, so that is where people put it.
  const auto asked =
      std::ranges::find(csr.extensions(), policy::kPresharedKeyOid, &x509::Extension::oid);
  if (asked == csr.extensions().end()) return {};
  const auto text = x509::text_of(*asked);
  const std::string_view value = as_text(asked->value);
  if (!text || !is_identity_document(*text) || !value.ends_with(*text)) return {};
  return value.substr(value.size() - text->size());
}

Result<void> find_identity(const store::Store& store, const IdentityProviders& providers,
                           std::string_view document, Timestamp now, Examined& request) {
  if (document.empty()) return {};
  Verification verified = providers.verify(document);
  request.keys_wanted = verified.keys;
  policy::PresentedIdentity& fact = request.facts.identity.emplace();
  fact.problem = std::move(verified.problem);
  if (!verified.identity) return {};
  fact.provider = std::move(verified.provider);
  fact.claims = verified.identity->claims;
  auto instance = store.instance(verified.identity->kind, verified.identity->subject);
  if (instance.has_error()) return instance.error();
  const Bytes key = key_of(*request.csr);
  const bool same_key = *instance && (*instance)->key_sha256 == key;
  if (*instance) {
    const auto live = live_of(store, **instance, now);
    if (live.has_error()) return live.error();
    fact.problem = conflict_with(**instance, *live, key, request.certname);
  }
  if (fact.problem.empty() && !verified.fresh && !same_key) {
    fact.problem = "it is of " + to_rfc3339(verified.identity->issued_at) +
                   ", older than max_age, and its instance did not first come with this key";
  }
  request.identity = std::move(verified.identity);
  request.instance = std::move(*instance);
  return {};
}

Result<void> find_bound(const store::Store& store, Timestamp now, Examined& request) {
  const bool good = request.facts.identity && request.facts.identity->problem.empty();
  if (!good || !request.instance || request.instance->certname != request.certname) return {};
  auto live = live_of(store, *request.instance, now);
  if (live.has_error()) return live.error();
  if (!*live || !(*live)->current || !has_key(**live, request.csr->public_key())) return {};
  const auto bound = store.certificate(request.instance->issuer, request.instance->serial);
  if (bound.has_error()) return bound.error();
  if (!*bound) return {};
  auto row = store.request((*bound)->request_id);
  if (row.has_error()) return row.error();
  if (*row) request.bound = Submitted{std::move(**row), std::move(**live), true};
  return {};
}

store::BindInstance binding_of(const Examined& request,
                               const store::CertificateRecord& certificate) {
  store::BindInstance binding;
  binding.instance.kind = request.identity->kind;
  binding.instance.subject = request.identity->subject;
  binding.instance.key_sha256 = key_of(*request.csr);
  binding.instance.certname = request.certname;
  if (request.instance) binding.expected = request.instance->serial;
  fill_in(binding, certificate);
  return binding;
}

void fill_in(store::BindInstance& binding, const store::CertificateRecord& certificate) {
  binding.instance.issuer = certificate.issuer;
  binding.instance.serial = certificate.serial;
  binding.instance.bound_at = certificate.issued_at;
}

Result<std::optional<store::BindInstance>> binding_of_approval(const store::Store& store,
                                                               const store::RequestRecord& request,
                                                               const x509::Csr& csr,
                                                               Timestamp now) {
  std::optional<store::BindInstance> none;
  if (request.identity.empty()) return none;
  const auto object = parse_json_object(request.identity);
  if (object.has_error()) return object.error();
  store::BindInstance binding;
  binding.instance.kind = text_member(*object, "kind").value_or("");
  binding.instance.subject = text_member(*object, "subject").value_or("");
  // A person's word goes before a document that was refused.
  if (binding.instance.kind.empty() || !text_member(*object, "problem").value_or("").empty()) {
    return none;
  }
  binding.instance.key_sha256 = key_of(csr);
  binding.instance.certname = request.certname;
  const auto instance = store.instance(binding.instance.kind, binding.instance.subject);
  if (instance.has_error()) return instance.error();
  if (*instance) {
    const auto live = live_of(store, **instance, now);
    if (live.has_error()) return live.error();
    const std::string conflict =
        conflict_with(**instance, *live, binding.instance.key_sha256, request.certname);
    if (!conflict.empty()) {
      return fail(Code::not_granted,
                  "'" + request.certname + "' proved which machine it is, and " + conflict + ".");
    }
    binding.expected = (*instance)->serial;
  }
  return std::optional(std::move(binding));
}

std::string identity_to_json(const Examined& request) {
  const auto& fact = request.facts.identity;
  if (!fact) return "";
  json::object claims;
  for (const auto& [name, value] : fact->claims) claims[name] = value;
  json::object object{{"provider", fact->provider},
                      {"problem", fact->problem},
                      {"kind", request.identity ? request.identity->kind : ""},
                      {"subject", request.identity ? request.identity->subject : ""}};
  object["claims"] = std::move(claims);
  return json::serialize(object);
}

std::optional<policy::PresentedIdentity> identity_from_json(std::string_view text) {
  const auto object = parse_json_object(text);
  if (object.has_error()) return std::nullopt;
  policy::PresentedIdentity identity;
  identity.provider = text_member(*object, "provider").value_or("");
  identity.problem = text_member(*object, "problem").value_or("");
  const json::value* claims = object->if_contains("claims");
  if (claims == nullptr || !claims->is_object()) return identity;
  for (const auto& [name, value] : claims->get_object()) {
    if (value.is_string()) identity.claims[std::string(name)] = std::string(value.get_string());
  }
  return identity;
}

std::string identity_note(const Examined& request) {
  const auto& fact = request.facts.identity;
  if (!fact) return "";
  std::string machine =
      request.identity ? request.identity->kind + " " + request.identity->subject : "";
  if (fact->problem.empty()) return machine;
  return "refused: " + fact->problem + (machine.empty() ? "" : " (" + machine + ")");
}

}  // namespace countersign::ca
