// A certification request (RFC 2986), parsed once.
#ifndef COUNTERSIGN_X509_CSR_H_
#define COUNTERSIGN_X509_CSR_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "x509/extension.h"
#include "x509/key.h"

namespace countersign::x509 {

// An attribute other than extensionRequest: its values that are strings, as text.
struct Attribute {
  std::string oid;
  std::vector<std::string> values;
};

// Immutable; share it freely between threads.
class Csr {
 public:
  // Strict DER: definite minimal lengths, no trailing byte, no duplicate extension, no second
  // extensionRequest, at most kMaxNames general names. malformed if it is no DER at all, bad_csr
  // with what is wrong, bad_key if the key cannot be read. Key rules and proof of possession are
  // separate, so that a caller can name each failure.
  static Result<std::shared_ptr<const Csr>> parse(ByteView der);
  // Exactly one CERTIFICATE REQUEST block; with no BEGIN line in it, the bytes are tried as DER.
  static Result<std::shared_ptr<const Csr>> parse_pem(std::string_view text);

  static constexpr std::size_t kMaxBytes = std::size_t{256} * 1024;
  static constexpr std::size_t kMaxNames = 1000;
  static constexpr std::size_t kMaxExtensions = 100;

  ByteView der() const { return der_; }
  std::string pem() const;
  // Every CN of the subject, in order, decoded to UTF-8. A name with an embedded NUL is bad_csr.
  const std::vector<std::string>& common_names() const { return common_names_; }
  const PublicKey& public_key() const { return *public_key_; }
  // Requested extensions, SubjectAltName among them. The Microsoft attribute counts if the standard
  // one is missing.
  const std::vector<Extension>& extensions() const { return extensions_; }
  const std::vector<GeneralName>& subject_alt_names() const { return subject_alt_names_; }
  const std::vector<Attribute>& attributes() const { return attributes_; }
  // The first value of challengePassword.
  std::optional<std::string_view> challenge_password() const;
  const Bytes& sha256() const { return sha256_; }  // of der()

  // Is the request signed by its own key? bad_proof if not.
  Result<void> verify_possession() const;

 private:
  Csr() = default;
  friend class CsrParser;
  Bytes der_;
  Bytes sha256_;
  ByteView info_;       // CertificationRequestInfo within der_
  ByteView algorithm_;  // AlgorithmIdentifier within der_
  ByteView signature_;  // content of the BIT STRING within der_
  std::vector<std::string> common_names_;
  std::optional<PublicKey> public_key_;
  std::vector<Extension> extensions_;
  std::vector<GeneralName> subject_alt_names_;
  std::vector<Attribute> attributes_;
};

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_CSR_H_
