// Public and private keys.
#ifndef COUNTERSIGN_X509_KEY_H_
#define COUNTERSIGN_X509_KEY_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace countersign::x509 {

enum class KeyAlgorithm { rsa, ec, ed25519, other };

// Kind and size: rsa and its modulus bits; ec and 256, 384 or 521 (the NIST curves, named);
// ed25519 and 256. `other` is anything else.
struct KeySpec {
  KeyAlgorithm algorithm = KeyAlgorithm::ec;
  int bits = 256;
  bool operator==(const KeySpec&) const = default;
};

// "ec:P-256", "ec:P-384", "ec:P-521", "ed25519", "rsa:2048".."rsa:8192"; malformed otherwise.
Result<KeySpec> parse_key_spec(std::string_view text);
std::string to_string(const KeySpec& spec);  // the same form

// Immutable, cheap to copy, thread-safe.
class PublicKey {
 public:
  // `spki`: a DER SubjectPublicKeyInfo, nothing after it. bad_key if OpenSSL cannot read it.
  static Result<PublicKey> parse(ByteView spki);

  ByteView spki() const;  // DER, as it was given
  const KeySpec& spec() const;
  Bytes key_id() const;  // SHA-1 of the BIT STRING's content (RFC 5280 4.2.1.2 method 1)
  // Does `signature` by the AlgorithmIdentifier `algorithm` (DER) verify over `data`? Digests under
  // SHA-256 and algorithms that do not fit the key are refused: bad_proof.
  Result<void> verify(ByteView algorithm, ByteView data, ByteView signature) const;
  // The same, by the algorithm that a PrivateKey of this kind signs with.
  Result<void> verify(ByteView data, ByteView signature) const;

  struct Handle;  // OpenSSL's, inside x509/
  const Handle& handle() const { return *handle_; }

 private:
  friend class PrivateKey;
  PublicKey() = default;
  std::shared_ptr<const Handle> handle_;
};

// The key rules: RSA 2048..8192 bits with odd e, 3 <= e < 2^33; P-256, P-384, P-521 as named
// curves, point on the curve and not infinity; Ed25519. Nothing else. bad_key with the reason.
Result<void> check_key(const PublicKey& key);

// Thread-safe, not copyable; OpenSSL wipes it.
class PrivateKey {
 public:
  PrivateKey(PrivateKey&&) noexcept = default;
  PrivateKey& operator=(PrivateKey&&) noexcept = default;
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;
  ~PrivateKey() = default;

  static Result<PrivateKey> generate(const KeySpec& spec);
  // PKCS#8, plain or encrypted, and the traditional forms. bad_key if the passphrase is wrong.
  static Result<PrivateKey> from_pem(std::string_view pem, std::string_view passphrase);

  // PKCS#8. With a passphrase: PBES2, AES-256-CBC, PBKDF2-HMAC-SHA256. Empty: not encrypted.
  std::string to_pem(std::string_view passphrase) const;
  const PublicKey& public_key() const;

  // DER AlgorithmIdentifier of the signatures that this key makes: ecdsa-with-SHA256/384/512 by
  // curve, sha256WithRSAEncryption (with NULL), Ed25519.
  Bytes signature_algorithm() const;
  Result<Bytes> sign(ByteView data) const;

 private:
  PrivateKey() = default;
  // With the private half. Apart from public_, so that a copy of the public key does not keep the
  // private one in memory.
  std::shared_ptr<const PublicKey::Handle> pair_;
  PublicKey public_;
};

// The power to sign with an issuer's key, wherever that is. Thread-safe. May block; call it on the
// worker pool.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual const PublicKey& public_key() const = 0;
  virtual Bytes signature_algorithm() const = 0;  // DER AlgorithmIdentifier
  virtual Result<Bytes> sign(ByteView data) const = 0;
};

std::unique_ptr<Signer> make_signer(PrivateKey key);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_KEY_H_
