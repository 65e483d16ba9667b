// Key sets and signed tokens of every shape, good and bad.
#ifndef COUNTERSIGN_TESTS_CA_TOKEN_MAKER_H_
#define COUNTERSIGN_TESTS_CA_TOKEN_MAKER_H_

#include <openssl/hmac.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "x509/der.h"
#include "x509/key.h"

namespace countersign::ca::testing {

namespace json = boost::json;

// A key of an issuer and the name that it has there.
struct IssuerKey {
  std::string kid;
  x509::PrivateKey key;
  std::string algorithm;  // "RS256", "ES256", "ES384"

  static IssuerKey make(std::string kid, const std::string& algorithm = "RS256") {
    const x509::KeySpec spec = algorithm == "RS256"   ? x509::KeySpec{x509::KeyAlgorithm::rsa, 2048}
                               : algorithm == "ES256" ? x509::KeySpec{x509::KeyAlgorithm::ec, 256}
                                                      : x509::KeySpec{x509::KeyAlgorithm::ec, 384};
    return {std::move(kid), x509::PrivateKey::generate(spec).value(), algorithm};
  }
  std::size_t curve_bytes() const { return algorithm == "ES256" ? 32 : 48; }

  // The public key as JSON (RFC 7518 section 6).
  json::object jwk() const {
    x509::der::Fault fault(Code::internal);
    x509::der::Reader spki =
        x509::der::Reader(key.public_key().spki(), fault).enter(x509::der::kSequence, "SPKI");
    spki.read(x509::der::kSequence, "algorithm");
    const ByteView bits = spki.bit_string("key");
    json::object made{{"kid", kid}, {"use", "sig"}, {"alg", algorithm}};
    if (algorithm == "RS256") {
      x509::der::Reader rsa =
          x509::der::Reader(bits, fault).enter(x509::der::kSequence, "RSAPublicKey");
      made["kty"] = "RSA";
      made["n"] = to_base64url(rsa.unsigned_integer("n"));
      made["e"] = to_base64url(rsa.unsigned_integer("e"));
    } else {
      made["kty"] = "EC";
      made["crv"] = algorithm == "ES256" ? "P-256" : "P-384";
      made["x"] = to_base64url(bits.subspan(1, curve_bytes()));
      made["y"] = to_base64url(bits.subspan(1 + curve_bytes()));
    }
    return made;
  }

  // A JWS signature: of EC the two numbers, each filled up with zeros.
  Bytes sign(std::string_view input) const {
    const Bytes signature = key.sign(as_bytes(input)).value();
    if (algorithm == "RS256") return signature;
    x509::der::Fault fault(Code::internal);
    x509::der::Reader pair =
        x509::der::Reader(signature, fault).enter(x509::der::kSequence, "signature");
    Bytes out;
    for (const char* name : {"r", "s"}) {
      const ByteView number = pair.unsigned_integer(name);
      out.insert(out.end(), curve_bytes() - number.size(), 0);
      out.insert(out.end(), number.begin(), number.end());
    }
    return out;
  }
};

inline std::string key_set(const std::vector<json::object>& keys) {
  json::array list;
  for (const json::object& key : keys) list.push_back(key);
  return json::serialize(json::object{{"keys", std::move(list)}});
}

inline std::string part(std::string_view text) { return to_base64url(as_bytes(text)); }

// Header and claims as they are given, signed.
inline std::string signed_token(const std::string& header, const std::string& claims,
                                const IssuerKey& key) {
  const std::string input = part(header) + "." + part(claims);
  return input + "." + to_base64url(key.sign(input));
}

inline std::string header_of(const IssuerKey& key) {
  return json::serialize(json::object{{"alg", key.algorithm}, {"kid", key.kid}, {"typ", "JWT"}});
}

inline std::int64_t seconds(Timestamp time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// What every good token has.
inline json::object claims(Timestamp issued,
                           std::chrono::seconds lifetime = std::chrono::hours(1)) {
  return {{"iss", "https://issuer.example.com"},
          {"aud", "https://ca.example.com"},
          {"sub", "machine-1"},
          {"iat", seconds(issued)},
          {"exp", seconds(issued + lifetime)}};
}

inline std::string token(const json::object& content, const IssuerKey& key) {
  return signed_token(header_of(key), json::serialize(content), key);
}

}  // namespace countersign::ca::testing

#endif  // COUNTERSIGN_TESTS_CA_TOKEN_MAKER_H_
