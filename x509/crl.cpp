#include "x509/crl.h"

#include <algorithm>

#include "x509/der.h"
#include "x509/pem.h"
#include "x509/structure.h"

namespace countersign::x509 {

// Fills one Crl.
class CrlParser {
 public:
  Result<std::shared_ptr<const Crl>> parse(ByteView der) {
    crl_->der_ = to_bytes(der);
    const SignedParts parts = read_signed(crl_->der_, fault_, "CRL");
    crl_->tbs_ = parts.body.whole;
    crl_->algorithm_ = parts.algorithm;
    crl_->signature_ = parts.signature;
    read_tbs(parts.body.content);
    if (fault_.found()) return fault_.error();
    return std::shared_ptr<const Crl>(std::move(crl_));
  }

 private:
  // TBSCertList, RFC 5280 5.1.
  void read_tbs(ByteView content) {
    der::Reader tbs(content, fault_);
    const bool v2 = tbs.next_is(der::kInteger);
    if (v2 && tbs.small_integer("CRL's version") != 1) fault_.note("The CRL's version is not v2.");
    const ByteView algorithm = read_algorithm(tbs, fault_, "inner signature algorithm");
    if (!std::ranges::equal(algorithm, crl_->algorithm_)) {
      fault_.note("The CRL names two different signature algorithms.");  // 5.1.1.2
    }
    crl_->issuer_ = to_bytes(read_name(tbs, fault_, "issuer", nullptr));
    crl_->this_update_ = tbs.time("thisUpdate");
    // 5.1.2.5 makes nextUpdate mandatory: without it nobody knows when the list is stale.
    crl_->next_update_ = tbs.time("nextUpdate");
    if (tbs.next_is(der::kSequence)) {
      der::Reader list(tbs.any("list of revoked certificates").content, fault_);
      while (!list.at_end()) read_entry(list);
    }
    if (v2) {
      for (const Extension& extension : read_tagged_extensions(tbs, fault_, 0)) {
        if (extension.oid != oid::kCrlNumber) continue;
        der::Reader value(extension.value, fault_);
        crl_->number_ = value.small_integer("CRL number");
        value.finish("CRL number");
      }
    }
    tbs.finish("CRL's body");
  }

  void read_entry(der::Reader& list) {
    constexpr std::size_t kMaxEntryExtensions = 16;
    der::Reader body = list.enter(der::kSequence, "CRL entry");
    CrlEntry entry;
    entry.serial = to_bytes(body.unsigned_integer("CRL entry's serial number"));
    entry.revoked_at = body.time("CRL entry's date");
    if (body.next_is(der::kSequence)) {
      const ByteView extensions = body.any("CRL entry's extensions").whole;
      for (const Extension& extension : read_extensions(extensions, fault_, kMaxEntryExtensions)) {
        if (extension.oid == oid::kCrlReason) entry.reason = read_reason(extension);
      }
    }
    body.finish("CRL entry");
    if (!fault_.found()) crl_->entries_.push_back(std::move(entry));
  }

  RevocationReason read_reason(const Extension& extension) {
    der::Reader value(extension.value, fault_);
    const ByteView content = value.read(der::kEnumerated, "CRL entry's reason").content;
    value.finish("CRL entry's reason");
    if (fault_.found()) return RevocationReason::unspecified;
    if (content.size() != 1 || content[0] > 10 || content[0] == 7) {
      fault_.note("The CRL entry's reason is not one of RFC 5280.");
      return RevocationReason::unspecified;
    }
    return static_cast<RevocationReason>(content[0]);
  }

  std::shared_ptr<Crl> crl_{new Crl()};
  der::Fault fault_{Code::malformed};
};

Result<std::shared_ptr<const Crl>> Crl::parse(ByteView der) { return CrlParser().parse(der); }

std::string Crl::pem() const { return pem_encode(kPemCrl, der_); }

Result<void> Crl::verify(const PublicKey& issuer) const {
  return issuer.verify(algorithm_, tbs_, signature_);
}

}  // namespace countersign::x509
