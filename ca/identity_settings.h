// The tables [identity.NAME] of the service's configuration.
#ifndef COUNTERSIGN_CA_IDENTITY_SETTINGS_H_
#define COUNTERSIGN_CA_IDENTITY_SETTINGS_H_

#include <chrono>
#include <filesystem>
#include <string>

namespace countersign::ca {

struct IdentitySettings {
  enum class Kind { aws, azure, gcp, kubernetes, oidc };
  std::string name;
  Kind kind = Kind::aws;
  // Of aws the certificates that sign, of azure those that chains end at. PEM.
  std::filesystem::path certificates;
  std::string host = "metadata.azure.com";  // azure: whom the signer's certificate is for
  // Tokens: exactly this `iss`, and this among `aud`.
  std::string issuer;
  std::string audience;
  // Where the issuer's keys are: one of the two.
  std::filesystem::path jwks_file;
  std::string jwks_url;
  std::filesystem::path jwks_ca_file;  // PEM, trusted alone for the URL; empty: the system's
  // An older document is good only for the key that its instance first came with.
  std::chrono::seconds max_age = std::chrono::minutes(5);
  std::chrono::seconds max_lifetime = std::chrono::hours(24);  // of a token, from iat to exp
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_IDENTITY_SETTINGS_H_
