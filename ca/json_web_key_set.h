// The keys of an issuer of signed tokens (RFC 7517 section 5).
#ifndef COUNTERSIGN_CA_JSON_WEB_KEY_SET_H_
#define COUNTERSIGN_CA_JSON_WEB_KEY_SET_H_

#include <string_view>
#include <vector>

#include "ca/json_web_signature.h"

namespace countersign::ca {

// Immutable, thread-safe.
class JsonWebKeySet {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{256} * 1024;
  static constexpr std::size_t kMaxKeys = 100;

  // malformed if it is no key set, or holds no key that can be used here. Other keys in it, of
  // kinds that are not known or not for signatures, are left out (RFC 7517 section 5).
  static Result<JsonWebKeySet> parse(std::string_view json);

  // Those that a token which names this key may be signed by. One that names none ("") is signed by
  // the one key of the set; of several it must name one.
  std::vector<const JsonWebKey*> candidates(std::string_view kid) const;
  std::size_t size() const { return keys_.size(); }

 private:
  std::vector<JsonWebKey> keys_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_JSON_WEB_KEY_SET_H_
