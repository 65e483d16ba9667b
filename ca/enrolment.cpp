#include "ca/enrolment.h"

#include <algorithm>

#include "ca/identity_providers.h"
#include "ca/succession.h"
#include "policy/enrolment_token.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

std::string problem_of(const store::EnrolmentTokenRecord& token, const policy::TokenBounds& bounds,
                       const policy::Facts& facts, Timestamp now) {
  if (token.revoked_at) return "the token is revoked";
  if (now >= token.expires_at) return "the token has expired";
  if (token.used >= token.uses) return "the token is used up";
  return policy::refusal(bounds, facts);
}

// The token that is the value of an extension, a DER string; empty if it is none.
std::string_view text_in(const x509::Extension& extension) {
  const auto text = x509::text_of(extension);
  if (!text || !text->starts_with(kEnrolmentPrefix)) return {};
  const std::string_view value = as_text(extension.value);
  return value.substr(value.find(kEnrolmentPrefix));
}

}  // namespace

bool is_credential(const x509::Extension& extension) {
  const auto text = x509::text_of(extension);
  return text && (text->starts_with(kEnrolmentPrefix) || is_identity_document(*text));
}

std::string_view presented_secret(const Submission& submission, const x509::Csr& csr) {
  if (!submission.token.empty()) return submission.token.view();
  for (const std::string_view oid : {x509::oid::kChallengePassword, policy::kPresharedKeyOid}) {
    const auto found = std::ranges::find(csr.attributes(), oid, &x509::Attribute::oid);
    if (found == csr.attributes().end()) continue;
    for (const std::string& value : found->values) {
      if (value.starts_with(kEnrolmentPrefix)) return value;
    }
  }
  // By its OID it is an extension, so that is where people put it.
  const auto asked =
      std::ranges::find(csr.extensions(), policy::kPresharedKeyOid, &x509::Extension::oid);
  return asked != csr.extensions().end() ? text_in(*asked) : std::string_view();
}

bool carries_secret(ByteView der) {
  const auto csr = x509::Csr::parse(der);
  if (csr.has_error()) return true;
  const auto secret = [](const std::string& oid) {
    return oid == x509::oid::kChallengePassword || oid == policy::kPresharedKeyOid;
  };
  return std::ranges::any_of((*csr)->attributes(), secret, &x509::Attribute::oid) ||
         std::ranges::any_of((*csr)->extensions(), secret, &x509::Extension::oid);
}

Result<std::optional<policy::PresentedToken>> find_token(const store::Store& store,
                                                         std::string_view secret,
                                                         const policy::Facts& facts,
                                                         Timestamp now) {
  if (secret.empty()) return std::optional<policy::PresentedToken>();
  const auto row = store.enrolment_token_by_hash(x509::sha256(as_bytes(secret)));
  if (row.has_error()) return row.error();
  policy::PresentedToken token;
  if (!*row) {
    token.problem = "the token is not known";
    return std::optional(std::move(token));
  }
  const auto bounds = policy::parse_token_bounds((*row)->bounds);
  if (bounds.has_error()) return bounds.error();
  token.id = (*row)->id;
  token.profile = bounds->profile;
  token.rules = bounds->rules;
  token.problem = problem_of(**row, *bounds, facts, now);
  return std::optional(std::move(token));
}

Result<void> find_redeemed(const store::Store& store, Timestamp now, Examined& request) {
  const auto& token = request.facts.token;
  if (!token || token->id.empty()) return {};
  auto current = store.current_certificate(request.certname);
  if (current.has_error()) return current.error();
  if (!*current || store::state_of(**current, now) != store::CertificateState::signed_) return {};
  auto row = store.request((*current)->request_id);
  if (row.has_error()) return row.error();
  if (!*row || (*row)->token != token->id) return {};
  if (!has_key(**current, request.csr->public_key())) return {};
  request.repeated = Submitted{std::move(**row), std::move(**current), true};
  return {};
}

}  // namespace countersign::ca
