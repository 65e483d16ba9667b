#include "x509/certificate.h"

#include <algorithm>

#include "x509/der.h"
#include "x509/digest.h"
#include "x509/pem.h"
#include "x509/structure.h"

namespace countersign::x509 {

// Fills one Certificate.
class CertificateParser {
 public:
  explicit CertificateParser(const PublicKey* known) : known_(known) {}

  Result<std::shared_ptr<const Certificate>> parse(ByteView der) {
    certificate_->der_ = to_bytes(der);
    const SignedParts parts = read_signed(certificate_->der_, fault_, "certificate");
    certificate_->tbs_ = parts.body.whole;
    certificate_->algorithm_ = parts.algorithm;
    certificate_->signature_ = parts.signature;
    read_tbs(parts.body.content);
    for (const Extension& extension : certificate_->extensions_) read_known(extension);
    if (fault_.found()) return fault_.error();
    certificate_->sha256_ = x509::sha256(certificate_->der_);
    return std::shared_ptr<const Certificate>(std::move(certificate_));
  }

 private:
  // TBSCertificate, RFC 5280 4.1.
  void read_tbs(ByteView content) {
    der::Reader tbs(content, fault_);
    const bool v3 = read_version(tbs);
    certificate_->serial_ = to_bytes(tbs.unsigned_integer("serial number"));
    const ByteView algorithm = read_algorithm(tbs, fault_, "inner signature algorithm");
    if (!std::ranges::equal(algorithm, certificate_->algorithm_)) {
      fault_.note("The certificate names two different signature algorithms.");  // 4.1.1.2
    }
    std::vector<std::string> names;
    certificate_->issuer_ = to_bytes(read_name(tbs, fault_, "issuer", &names));
    if (!names.empty()) certificate_->issuer_common_name_ = names.front();
    der::Reader validity = tbs.enter(der::kSequence, "validity");
    certificate_->not_before_ = validity.time("notBefore");
    certificate_->not_after_ = validity.time("notAfter");
    validity.finish("validity");
    names.clear();
    certificate_->subject_ = to_bytes(read_name(tbs, fault_, "subject", &names));
    if (!names.empty()) certificate_->common_name_ = names.front();
    read_key(tbs.read(der::kSequence, "public key"));
    // RFC 5280 4.1.2.8 forbids CAs to write issuerUniqueID and subjectUniqueID.
    if (tbs.next_is(der::context(1)) || tbs.next_is(der::context(2))) {
      fault_.note("The certificate has a unique identifier, which is not accepted.");
    }
    if (v3) certificate_->extensions_ = read_tagged_extensions(tbs, fault_, 3);
    tbs.finish("certificate's body");
  }

  bool read_version(der::Reader& tbs) {
    if (!tbs.next_is(der::context_constructed(0))) return false;  // v1 is the default
    der::Reader reader(tbs.any("version").content, fault_);
    const std::uint64_t version = reader.small_integer("version");
    reader.finish("version");
    if (version != 1 && version != 2) fault_.note("The certificate's version is not known.");
    return version == 2;
  }

  void read_key(const der::Element& spki) {
    if (fault_.found()) return;
    if (known_ != nullptr && std::ranges::equal(known_->spki(), spki.whole)) {
      certificate_->public_key_ = *known_;
      return;
    }
    auto key = PublicKey::parse(spki.whole);
    if (!key) return fault_.note(fail(Code::malformed, key.error().detail, key.error().cause));
    certificate_->public_key_ = std::move(*key);
  }

  void read_known(const Extension& extension) {
    der::Reader value(extension.value, fault_);
    if (extension.oid == oid::kSubjectAltName) {
      auto names = parse_general_names(extension.value);
      if (!names) return fault_.note(fail(Code::malformed, names.error().detail));
      certificate_->subject_alt_names_ = std::move(*names);
    } else if (extension.oid == oid::kSubjectKeyIdentifier) {
      certificate_->subject_key_id_ =
          to_bytes(value.read(der::kOctetString, "subjectKeyIdentifier").content);
      value.finish("subjectKeyIdentifier");
    } else if (extension.oid == oid::kAuthorityKeyIdentifier) {
      certificate_->authority_key_id_ = read_authority_key_id(extension.value, fault_);
    } else if (extension.oid == oid::kBasicConstraints) {
      der::Reader body = value.enter(der::kSequence, "basicConstraints");
      certificate_->is_ca_ = body.default_false("cA mark of basicConstraints");
      value.finish("basicConstraints");
    }
  }

  const PublicKey* known_;
  std::shared_ptr<Certificate> certificate_{new Certificate()};
  der::Fault fault_{Code::malformed};
};

Result<std::shared_ptr<const Certificate>> Certificate::parse(ByteView der,
                                                              const PublicKey* known) {
  return CertificateParser(known).parse(der);
}

Result<std::shared_ptr<const Certificate>> Certificate::parse_pem(std::string_view text) {
  const auto der = pem_decode(text, {kPemCertificate});
  if (!der) return der.error();
  return parse(*der);
}

std::string Certificate::pem() const { return pem_encode(kPemCertificate, der_); }

const Extension* Certificate::find(std::string_view oid) const {
  const auto found = std::ranges::find(extensions_, oid, &Extension::oid);
  return found == extensions_.end() ? nullptr : &*found;
}

Result<void> Certificate::verify(const PublicKey& issuer) const {
  return issuer.verify(algorithm_, tbs_, signature_);
}

}  // namespace countersign::x509
