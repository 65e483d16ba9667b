// What a PublicKey or PrivateKey holds of OpenSSL's. Internal.
#ifndef COUNTERSIGN_X509_KEY_HANDLE_H_
#define COUNTERSIGN_X509_KEY_HANDLE_H_

#include "x509/key.h"
#include "x509/openssl.h"

namespace countersign::x509 {

// Never changed once it is shared; OpenSSL allows concurrent use of such an EVP_PKEY.
struct PublicKey::Handle {
  Bytes spki;
  std::size_t key_offset = 0;  // of the BIT STRING's content in spki, after the unused-bits octet
  KeySpec spec;
  std::string kind;  // as a person would say it: "secp256k1", "DSA", "RSA"
  Owned<::EVP_PKEY> key;

  ByteView key_bits() const { return ByteView(spki).subspan(key_offset); }
};

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_KEY_HANDLE_H_
