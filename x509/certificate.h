// A certificate (RFC 5280 4.1), parsed once; and the making of one.
#ifndef COUNTERSIGN_X509_CERTIFICATE_H_
#define COUNTERSIGN_X509_CERTIFICATE_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "x509/extension.h"
#include "x509/key.h"

namespace countersign::x509 {

// Immutable; share it freely between threads.
class Certificate {
 public:
  // `known`: a key that is probably the certificate's; if it is, OpenSSL need not read it again.
  static Result<std::shared_ptr<const Certificate>> parse(
      ByteView der, const PublicKey* known = nullptr);                                 // malformed
  static Result<std::shared_ptr<const Certificate>> parse_pem(std::string_view text);  // one block

  ByteView der() const { return der_; }
  std::string pem() const;
  const Bytes& serial() const { return serial_; }    // unsigned, big-endian, no leading zero
  const Bytes& subject() const { return subject_; }  // DER Name
  const Bytes& issuer() const { return issuer_; }    // DER Name
  const std::string& common_name() const { return common_name_; }  // first CN of the subject, or ""
  const std::string& issuer_common_name() const { return issuer_common_name_; }
  Timestamp not_before() const { return not_before_; }
  Timestamp not_after() const { return not_after_; }
  const PublicKey& public_key() const { return *public_key_; }
  const std::vector<Extension>& extensions() const { return extensions_; }
  const std::vector<GeneralName>& subject_alt_names() const { return subject_alt_names_; }
  const Extension* find(std::string_view oid) const;                   // null if absent
  const Bytes& subject_key_id() const { return subject_key_id_; }      // empty if absent
  const Bytes& authority_key_id() const { return authority_key_id_; }  // empty if absent
  bool is_ca() const { return is_ca_; }
  const Bytes& sha256() const { return sha256_; }  // of der()
  // Is this certificate's signature by `issuer`'s key? bad_proof with why not.
  Result<void> verify(const PublicKey& issuer) const;
  bool signed_by(const PublicKey& issuer) const { return verify(issuer).has_value(); }

 private:
  Certificate() = default;
  friend class CertificateParser;
  Bytes der_;
  Bytes sha256_;
  ByteView tbs_;
  ByteView algorithm_;
  ByteView signature_;
  Bytes serial_;
  Bytes subject_;
  Bytes issuer_;
  std::string common_name_;
  std::string issuer_common_name_;
  Timestamp not_before_;
  Timestamp not_after_;
  std::optional<PublicKey> public_key_;
  std::vector<Extension> extensions_;
  std::vector<GeneralName> subject_alt_names_;
  Bytes subject_key_id_;
  Bytes authority_key_id_;
  bool is_ca_ = false;
};

// What a certificate shall hold. Whoever fills it has decided; nothing is added or left out.
struct CertificateContent {
  Bytes serial;   // unsigned, big-endian
  Bytes issuer;   // DER Name, copied byte for byte
  Bytes subject;  // DER Name
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  Bytes spki;                         // DER SubjectPublicKeyInfo
  std::vector<Extension> extensions;  // in this order
};

// A Name of one RDN, CN as UTF8String of any length (RFC 5280's upper bound of 64 is not applied:
// Puppet fleets use longer names).
Bytes common_name_only(std::string_view common_name);

// DER TBSCertificate, v3, with `signature_algorithm` (DER AlgorithmIdentifier) inside.
Bytes encode_tbs(const CertificateContent& content, ByteView signature_algorithm);
// DER Certificate (or CertificateList: the outer shape is the same).
Bytes assemble_signed(ByteView tbs, ByteView signature_algorithm, ByteView signature);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_CERTIFICATE_H_
