// Credentials: tokens, client certificates, and the roles that they give.
#include <algorithm>

#include "ca/authority.h"
#include "ca/authority_state.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kLongestLabel = 256;
// So that a token is recognised where it should not be: in a log, in a repository.
constexpr std::string_view kSecretPrefix = "cst_";

std::optional<Role> token_role(std::string_view text) {
  const auto role = parse_role(text);
  if (role == Role::anonymous || role == Role::agent) return std::nullopt;
  return role;
}

// Null if the terms are empty: narrowed to nothing.
Result<std::shared_ptr<const policy::Scope>> scope_for(Role role, policy::ScopeTerms terms) {
  if (terms.empty()) return std::shared_ptr<const policy::Scope>();
  if (role == Role::admin) {
    return fail(Code::malformed,
                "An admin is never narrowed, for what an admin does is about all names. Narrow an "
                "operator.");
  }
  return policy::Scope::make(std::move(terms));
}

}  // namespace

Task<Result<Authority::NewToken>> Authority::create_token(
    std::string role, std::string label, std::optional<std::chrono::seconds> lifetime,
    Caller caller, policy::ScopeTerms scope) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::administer_tokens, caller);
  if (permitted.has_error()) co_return permitted.error();
  const auto known = token_role(role);
  if (!known) {
    co_return fail(Code::malformed, "There is no role '" + role +
                                        "' for tokens. Use pipeline, auditor, operator or admin.");
  }
  const std::string narrowed = policy::to_json(scope);
  const auto good = scope_for(*known, std::move(scope));
  if (good.has_error()) co_return good.error();
  if (label.size() > kLongestLabel) {
    co_return fail(Code::malformed, "A label has at most 256 bytes.");
  }
  const auto bounded = check_lifetime(lifetime);
  if (bounded.has_error()) co_return bounded.error();
  // One that was made by a clock that is ahead would live for as long.
  const auto right = state.clock_check.check();
  if (lifetime && right.has_error()) co_return right.error();
  NewToken made;
  made.secret = std::string(kSecretPrefix) + to_base64url(state.random.bytes(kSecretBytes));
  made.token = {.id = state.new_id(),
                .hash = x509::sha256(as_bytes(made.secret)),
                .role = std::move(role),
                .label = std::move(label),
                .scope = narrowed,
                .created_by = caller.describe(),
                .created_at = state.clock.now(),
                .expires_at = std::nullopt,
                .revoked_at = std::nullopt};
  if (lifetime) made.token.expires_at = made.token.created_at + *lifetime;
  store::WriteBatch batch;
  batch.push_back(store::InsertToken{made.token});
  batch.push_back(store::AppendAudit{state.audit(
      "create token", caller, made.token.id,
      {{"role", made.token.role}, {"label", made.token.label}, {"scope", made.token.scope}})});
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  co_return made;
}

Task<Result<std::vector<store::TokenRecord>>> Authority::tokens(Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::administer_tokens, caller,
                                   [&] { return state.store.tokens(); });
}

Task<Result<void>> Authority::revoke_token(std::string id, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::administer_tokens, caller);
  if (permitted.has_error()) co_return permitted.error();
  store::WriteBatch batch;
  batch.push_back(store::RevokeToken{id, state.clock.now()});
  batch.push_back(store::AppendAudit{state.audit("revoke token", caller, id, {})});
  co_return co_await state.committer.commit(std::move(batch));
}

Task<Result<Caller>> Authority::identify_token(std::string secret, std::string source,
                                               std::string request_id) {
  State& state = *state_;
  // Found by its hash: the comparison cannot leak more than the hash of a guess.
  const auto found = state.store.token_by_hash(x509::sha256(as_bytes(secret)));
  wipe(secret.data(), secret.size());
  if (found.has_error()) co_return found.error();
  const Timestamp now = state.clock_check.at_least();
  const bool usable =
      *found && !(*found)->revoked_at && (!(*found)->expires_at || now < *(*found)->expires_at);
  const auto role = usable ? token_role((*found)->role) : std::nullopt;
  if (!role) {
    co_return fail(Code::unauthenticated, "The bearer token is unknown, expired or revoked.");
  }
  auto terms = policy::parse_scope_terms((*found)->scope);
  if (terms.has_error()) co_return terms.error();
  // One that cannot be read any more must not become a wide one.
  auto scope = scope_for(*role, std::move(*terms));
  if (scope.has_error()) co_return scope.error();
  Caller caller{*role, (*found)->id, source, request_id, std::move(*scope)};
  co_return caller;
}

Caller Authority::identify_certificate(const x509::Certificate& certificate, std::string source,
                                       std::string request_id) const {
  const auto& operators = state_->config.operators;
  const auto person = state_->config.standings.find(certificate.common_name());
  if (person != state_->config.standings.end()) {
    return {.role = person->second.role,
            .name = person->first,
            .source = std::move(source),
            .request_id = std::move(request_id),
            .scope = person->second.scope};
  }
  const x509::Extension* mark = certificate.find(policy::kCliAuthOid);
  const bool marked = mark != nullptr && x509::text_of(*mark) == "true";
  const bool listed = std::ranges::find(operators, certificate.common_name()) != operators.end();
  return {.role = marked   ? Role::admin
                  : listed ? Role::operator_
                           : Role::agent,
          .name = certificate.common_name(),
          .source = std::move(source),
          .request_id = std::move(request_id)};
}

Result<store::CertificateRecord> Authority::State::live_row(
    const x509::Certificate& presented) const {
  const auto& key_id = presented.authority_key_id();
  if (key_id.empty() || key_id != issuer->certificate().subject_key_id() ||
      !presented.signed_by(issuer->certificate().public_key())) {
    return fail(Code::forbidden, "The certificate is not of this CA.");
  }
  auto row = store.certificate(issuer->id(), presented.serial());
  if (row.has_error()) return row.error();
  if (!*row || !std::ranges::equal((*row)->der, presented.der()) ||
      store::state_of(**row, clock.now()) != store::CertificateState::signed_) {
    return fail(Code::denied, "The certificate is expired, revoked or unknown.");
  }
  return std::move(**row);
}

Task<Result<Caller>> Authority::identify_forwarded(
    std::string certname, std::shared_ptr<const x509::Certificate> certificate, std::string source,
    std::string request_id) {
  State& state = *state_;
  if (certificate) {
    const auto row = state.live_row(*certificate);
    if (row.has_error()) co_return row.error();
    co_return identify_certificate(*certificate, source, request_id);
  }
  const auto current = state.store.current_certificate(certname);
  if (current.has_error()) co_return current.error();
  if (!*current ||
      store::state_of(**current, state.clock.now()) != store::CertificateState::signed_) {
    co_return fail(Code::denied, "No certificate of the name '" + certname + "' is live.");
  }
  Caller agent{Role::agent, certname, source, request_id, nullptr};
  co_return agent;
}

bool Authority::trusted(const x509::Certificate& certificate) const {
  const auto found = state_->store.certificate(state_->issuer->id(), certificate.serial());
  return found.has_value() && *found && !(*found)->revocation &&
         std::ranges::equal((*found)->der, certificate.der());
}

Task<void> Authority::audit_refusal(std::string what, Caller caller) {
  co_await state_->audit_refusal(std::move(what), caller);
}

}  // namespace countersign::ca
