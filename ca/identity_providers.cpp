#include "ca/identity_providers.h"

#include <mutex>
#include <stdexcept>

#include "base/file_system.h"
#include "base/log.h"
#include "ca/aws_identity.h"
#include "ca/azure_attested_data.h"
#include "ca/json_web_token.h"
#include "ca/token_identity.h"

namespace countersign::ca {
namespace {

using Kind = IdentitySettings::Kind;

constexpr std::string_view kAws = "aws:";
constexpr std::string_view kAzure = "azure:";
constexpr std::string_view kToken = "jwt:";
constexpr std::size_t kCertificatesBytes = std::size_t{1} << 20U;

bool signs_tokens(Kind kind) { return kind != Kind::aws && kind != Kind::azure; }

Result<Identity> identity_of(const IdentitySettings& settings, const JsonWebToken& token) {
  switch (settings.kind) {
    case Kind::gcp:
      return read_gcp_claims(token);
    case Kind::kubernetes:
      return read_kubernetes_claims(token);
    default:
      return read_oidc_claims(token, settings.name);
  }
}

}  // namespace

bool is_identity_document(std::string_view text) {
  return text.starts_with(kAws) || text.starts_with(kAzure) || text.starts_with(kToken);
}

class IdentityProviders::Provider {
 public:
  Provider(IdentitySettings settings, const std::shared_ptr<const HttpsClient>& client,
           const Clock& clock)
      : settings_(std::move(settings)) {
    if (signs_tokens(settings_.kind)) {
      keys_ = std::make_unique<JsonWebKeySource>(settings_, client, clock);
      return;
    }
    const auto read = read_certificates();
    if (read.has_error()) {
      throw std::runtime_error("[identity." + settings_.name + "] certificates " +
                               settings_.certificates.string() + ": " + read.error().detail);
    }
  }

  const IdentitySettings& settings() const { return settings_; }
  JsonWebKeySource* keys() const { return keys_.get(); }

  void reload_if_changed() {
    if (keys_) {
      keys_->reload_if_changed();
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      if (version_of(settings_.certificates) == seen_) return;
    }
    const auto read = read_certificates();
    if (read.has_value()) return;
    log::error("identity_certificates_refused", {{"identity", settings_.name},
                                                 {"file", settings_.certificates.string()},
                                                 {"error", read.error().detail}});
  }

  Result<Identity> verify_signed_data(std::string_view base64, Timestamp now) const {
    const auto certificates = current();
    return settings_.kind == Kind::aws
               ? verify_aws_identity(base64, *certificates)
               : verify_azure_attested_data(base64, *certificates, settings_.host, now);
  }

  // `fetch` if other keys may verify it.
  Result<Identity> verify_token(const JsonWebToken& token, Timestamp now, bool& fetch) const {
    // First what costs nothing and what nobody can mend, so that a token that is of no use anyhow
    // makes nobody ask for keys.
    const auto claims =
        token.check_claims(settings_.issuer, settings_.audience, settings_.max_lifetime, now);
    if (claims.has_error()) return claims.error();
    const auto keys = keys_->current();
    if (!keys) {
      fetch = keys_->may_fetch();
      return fail(Code::unavailable, "The keys of " + settings_.issuer + " cannot be had now.");
    }
    const auto proven = token.verify_signature(*keys);
    if (proven.has_error()) {
      fetch = keys->candidates(token.kid()).empty() && keys_->may_fetch();
      return proven.error();
    }
    return identity_of(settings_, token);
  }

 private:
  std::shared_ptr<const x509::SignedDataVerifier> current() const {
    const std::lock_guard lock(mutex_);
    return certificates_;
  }

  Result<void> read_certificates() {
    const ReadBegin begin;
    const FileVersion version = version_of(settings_.certificates);
    const auto text = system_files().read(settings_.certificates, kCertificatesBytes);
    auto parsed = text.has_error() ? Result<x509::SignedDataVerifier>(text.error())
                                   : x509::SignedDataVerifier::parse_pem(*text);
    const std::lock_guard lock(mutex_);
    seen_ = version;  // what is not good is told of once
    if (parsed.has_error()) return parsed.error();
    seen_ = begin.since(version);
    certificates_ = std::make_shared<const x509::SignedDataVerifier>(std::move(*parsed));
    return {};
  }

  const IdentitySettings settings_;
  std::unique_ptr<JsonWebKeySource> keys_;  // null for signed data
  mutable std::mutex mutex_;                // guards the following
  std::shared_ptr<const x509::SignedDataVerifier> certificates_;
  FileVersion seen_;
};

IdentityProviders::IdentityProviders(const std::vector<IdentitySettings>& settings,
                                     const std::shared_ptr<const HttpsClient>& client,
                                     const Clock& clock)
    : clock_(clock) {
  for (const IdentitySettings& one : settings) {
    providers_.push_back(std::make_unique<Provider>(one, client, clock));
  }
}

IdentityProviders::~IdentityProviders() = default;

Verification IdentityProviders::verify(std::string_view document) const {
  Verification outcome;
  const Timestamp now = clock_.now();
  const bool is_token = document.starts_with(kToken);
  const Kind kind = document.starts_with(kAzure) ? Kind::azure : Kind::aws;
  if (!is_identity_document(document)) {
    outcome.problem = "It does not begin with aws:, azure: or jwt:.";
    return outcome;
  }
  const std::string_view text = document.substr(document.find(':') + 1);
  const auto token = is_token ? JsonWebToken::parse(text)
                              : Result<JsonWebToken>(fail(Code::internal, "No token."));
  if (is_token && token.has_error()) {
    outcome.problem = token.error().detail;
    return outcome;
  }
  outcome.problem = is_token ? "No [identity.NAME] here is of its issuer."
                             : "No [identity.NAME] here is for such documents.";
  for (const auto& provider : providers_) {
    const IdentitySettings& settings = provider->settings();
    const bool asked = is_token ? signs_tokens(settings.kind) && settings.issuer == token->issuer()
                                : settings.kind == kind;
    if (!asked) continue;
    bool fetch = false;
    auto identity = is_token ? provider->verify_token(*token, now, fetch)
                             : provider->verify_signed_data(text, now);
    if (identity.has_value()) {
      outcome.provider = settings.name;
      outcome.problem.clear();
      outcome.keys = nullptr;
      outcome.fresh = now - identity->issued_at <= settings.max_age;
      outcome.identity = std::move(*identity);
      return outcome;
    }
    outcome.problem = identity.error().detail;
    if (fetch) outcome.keys = provider->keys();
  }
  return outcome;
}

void IdentityProviders::reload_if_changed() {
  for (const auto& provider : providers_) provider->reload_if_changed();
}

std::vector<JsonWebKeySource*> IdentityProviders::key_sources() const {
  std::vector<JsonWebKeySource*> list;
  for (const auto& provider : providers_) {
    if (provider->keys() != nullptr && !provider->settings().jwks_url.empty()) {
      list.push_back(provider->keys());
    }
  }
  return list;
}

}  // namespace countersign::ca
