// Signed tokens (RFC 7519) of an issuer, held against RFC 8725.
#ifndef COUNTERSIGN_CA_JSON_WEB_TOKEN_H_
#define COUNTERSIGN_CA_JSON_WEB_TOKEN_H_

#include <boost/json/object.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "ca/json_web_key_set.h"

namespace countersign::ca {

// The parts of a compact serialization, read and not yet proven.
class JsonWebToken {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} * 1024;

  // Three parts of strict base64url, a header and claims that are JSON objects without a member
  // twice. malformed otherwise; bad_proof if the header asks for what is never done here: an
  // algorithm that is not asymmetric, `crit`, a `typ` that is no JWT's.
  static Result<JsonWebToken> parse(std::string_view compact);

  const std::string& kid() const { return kid_; }
  std::string issuer() const;  // as it says itself; "" if it says none
  const boost::json::object& claims() const { return claims_; }

  // bad_proof unless one of the keys signed it, by an algorithm that fits the key. A key that the
  // token brings along (jwk, jku, x5c, x5u) counts for nothing.
  Result<void> verify_signature(const JsonWebKeySet& keys) const;
  // `iss` is exactly `issuer`, `aud` is or has `audience`, `now` is between iat or nbf and exp, all
  // but nbf are there, and it lives no longer than `lifetime`. Clocks may differ by kLeeway.
  Result<void> check_claims(const std::string& issuer, const std::string& audience,
                            std::chrono::seconds lifetime, Timestamp now) const;
  Timestamp issued_at() const;  // after check_claims

  static constexpr std::chrono::seconds kLeeway{30};

 private:
  JsonWebToken() = default;
  std::string compact_;
  std::string algorithm_;
  std::string kid_;
  boost::json::object claims_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_JSON_WEB_TOKEN_H_
