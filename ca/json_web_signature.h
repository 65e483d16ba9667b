// Keys as JSON (RFC 7517) and signatures by them (RFC 7515), by way of cjose.
#ifndef COUNTERSIGN_CA_JSON_WEB_SIGNATURE_H_
#define COUNTERSIGN_CA_JSON_WEB_SIGNATURE_H_

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace countersign::ca {

// A public key that signatures are checked with. Immutable, thread-safe.
class JsonWebKey {
 public:
  // RSA of 2048 bits or more, or EC on P-256, P-384 or P-521, meant for signatures: bad_key
  // otherwise. Private members are left out.
  static Result<JsonWebKey> parse(const boost::json::object& jwk);

  const std::string& kid() const { return kid_; }  // "" if it has none
  // May this algorithm be used with this key? Of what is asked only RS256, RS384, RS512, PS256,
  // PS384, PS512, ES256, ES384 and ES512 exist here: never "none" and no HMAC, for which a public
  // key would be the secret.
  bool fits(std::string_view algorithm) const;
  // Is the compact serialization signed by this key? Its header must name an algorithm that fits.
  bool verifies(const std::string& compact) const;

 private:
  std::string kid_;
  std::string algorithm_;  // the only one, if the key says so
  std::string kind_;       // "RSA", "P-256", …
  std::string json_;       // the public members
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_JSON_WEB_SIGNATURE_H_
