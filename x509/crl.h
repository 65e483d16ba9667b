// Certificate revocation lists (RFC 5280 5).
#ifndef COUNTERSIGN_X509_CRL_H_
#define COUNTERSIGN_X509_CRL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "x509/extension.h"
#include "x509/key.h"

namespace countersign::x509 {

// CRLReason (RFC 5280 5.3.1). The number 7 is not used.
enum class RevocationReason : int {
  unspecified = 0,
  key_compromise = 1,
  ca_compromise = 2,
  affiliation_changed = 3,
  superseded = 4,
  cessation_of_operation = 5,
  certificate_hold = 6,
  remove_from_crl = 8,
  privilege_withdrawn = 9,
  aa_compromise = 10,
};
std::string_view to_string(RevocationReason reason);  // "keyCompromise"
// The RFC's names, in any case, with or without '_' and '-'. The ones that a leaf can be revoked
// for: not removeFromCRL, not certificateHold (it could not be lifted).
std::optional<RevocationReason> parse_revocation_reason(std::string_view text);

struct CrlEntry {
  Bytes serial;  // unsigned, big-endian
  Timestamp revoked_at;
  RevocationReason reason = RevocationReason::unspecified;  // unspecified is left out of the entry
  bool operator==(const CrlEntry&) const = default;
};

struct CrlContent {
  Bytes issuer;            // DER Name
  Bytes authority_key_id;  // keyIdentifier
  std::uint64_t number = 0;
  std::chrono::sys_seconds this_update;
  std::chrono::sys_seconds next_update;
  std::span<const CrlEntry> entries;
  ByteView encoded_entries = {};  // more of them, by append_crl_entry; they come first
};

// Appends the DER of one element of revokedCertificates.
void append_crl_entry(Bytes& list, const CrlEntry& entry);

// DER TBSCertList, version 2, with AKI and CRL number. Sign it and use assemble_signed.
Bytes encode_tbs_crl(const CrlContent& content, ByteView signature_algorithm);

// Immutable.
class Crl {
 public:
  static Result<std::shared_ptr<const Crl>> parse(ByteView der);  // malformed
  ByteView der() const { return der_; }
  std::string pem() const;
  const Bytes& issuer() const { return issuer_; }
  // Of a CRL of ours; the highest there is for a longer one. Other CAs' have up to 20 octets (RFC
  // 5280 5.2.3): unsigned, big-endian, without leading zero; empty if the CRL has no number.
  std::uint64_t number() const;
  const Bytes& number_octets() const { return number_; }
  Timestamp this_update() const { return this_update_; }
  Timestamp next_update() const { return next_update_; }
  const std::vector<CrlEntry>& entries() const { return entries_; }
  const std::vector<Extension>& extensions() const { return extensions_; }
  const Extension* find(std::string_view oid) const;                   // null if absent
  const Bytes& authority_key_id() const { return authority_key_id_; }  // empty if absent
  // Has an entry a critical extension? None that we know may be (5.3): such a list is not used.
  bool has_critical_entry() const { return has_critical_entry_; }
  // bad_proof with why not.
  Result<void> verify(const PublicKey& issuer) const;
  bool signed_by(const PublicKey& issuer) const { return verify(issuer).has_value(); }

 private:
  Crl() = default;
  friend class CrlParser;
  Bytes der_;
  ByteView tbs_;
  ByteView algorithm_;
  ByteView signature_;
  Bytes issuer_;
  Bytes number_;
  Timestamp this_update_;
  Timestamp next_update_;
  std::vector<CrlEntry> entries_;
  std::vector<Extension> extensions_;
  Bytes authority_key_id_;
  bool has_critical_entry_ = false;
};

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_CRL_H_
