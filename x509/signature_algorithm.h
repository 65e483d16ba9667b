// The signature algorithms that are accepted and made. Internal.
#ifndef COUNTERSIGN_X509_SIGNATURE_ALGORITHM_H_
#define COUNTERSIGN_X509_SIGNATURE_ALGORITHM_H_

#include <optional>

#include "x509/key.h"
#include "x509/openssl.h"

namespace countersign::x509 {

struct SignatureAlgorithm {
  std::string_view oid;
  KeyAlgorithm key;
  std::optional<Digest> digest;  // Ed25519 has its own inside
};

// Reads an AlgorithmIdentifier and checks that keys of `key` make such signatures: bad_proof.
Result<SignatureAlgorithm> parse_signature_algorithm(ByteView der, KeyAlgorithm key);

// What a key of this kind signs with.
const SignatureAlgorithm& signature_algorithm_for(const KeySpec& spec);

// DER AlgorithmIdentifier.
Bytes encode(const SignatureAlgorithm& algorithm);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_SIGNATURE_ALGORITHM_H_
