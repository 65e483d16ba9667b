#include "x509/csr.h"

#include <algorithm>

#include "x509/der.h"
#include "x509/digest.h"
#include "x509/pem.h"
#include "x509/structure.h"

namespace countersign::x509 {

// Fills one Csr.
class CsrParser {
 public:
  Result<std::shared_ptr<const Csr>> parse(ByteView der) {
    csr_->der_ = to_bytes(der);
    const SignedParts parts = read_signed(csr_->der_, fault_, "certificate request");
    // What was found before is no CSR at all; from here on it is a bad one.
    fault_.set_code(Code::bad_csr);
    csr_->info_ = parts.body.whole;
    csr_->algorithm_ = parts.algorithm;
    csr_->signature_ = parts.signature;
    read_info(parts.body.content);
    if (fault_.found()) return fault_.error();
    csr_->sha256_ = x509::sha256(csr_->der_);
    return std::shared_ptr<const Csr>(std::move(csr_));
  }

 private:
  // CertificationRequestInfo, RFC 2986 4.1.
  void read_info(ByteView content) {
    der::Reader info(content, fault_);
    // `puppetserver ca generate` writes 2, and puppetserver takes it: there is only one version.
    const auto version = info.small_integer("request's version");
    if (version != 0 && version != 2) fault_.note("The request's version is not 0 (v1).");
    read_name(info, fault_, "subject", &csr_->common_names_);
    const der::Element spki = info.read(der::kSequence, "public key");
    if (fault_.found()) return;
    auto key = PublicKey::parse(spki.whole);
    if (!key) return fault_.note(key.error());
    csr_->public_key_ = std::move(*key);
    // Many makers leave an empty set of attributes out, and OpenSSL lets them.
    if (info.next_is(der::context_constructed(0))) {
      read_attributes(info.any("attributes").content);
    }
    info.finish("request's body");
    read_requested_extensions();
  }

  void read_attributes(ByteView content) {
    der::Reader list(content, fault_);
    std::vector<std::string> seen;
    while (!list.at_end()) {
      der::Reader attribute = list.enter(der::kSequence, "attribute");
      const std::string oid = attribute.object_identifier("attribute's OID");
      const std::string what = "attribute " + oid;
      der::Reader values = attribute.enter(der::kSet, what);
      attribute.finish(what);
      if (std::ranges::find(seen, oid) != seen.end()) {
        fault_.note("The attribute " + oid + " is given twice.");
      }
      if (values.at_end()) fault_.note("The attribute " + oid + " has no value.");
      seen.push_back(oid);
      if (seen.size() > Csr::kMaxExtensions) fault_.note("The request has too many attributes.");
      read_attribute_values(oid, values);
    }
  }

  void read_attribute_values(const std::string& oid, der::Reader& values) {
    const std::string what = "attribute " + oid;
    if (oid == oid::kExtensionRequest || oid == oid::kMicrosoftExtensionRequest) {
      const der::Element extensions = values.any(what);
      values.finish(what);
      der::check_value(extensions, fault_, what);
      (oid == oid::kExtensionRequest ? standard_ : microsoft_) = extensions.whole;
      return;
    }
    Attribute attribute{.oid = oid, .values = {}};
    while (!values.at_end()) {
      const der::Element value = values.any(what);
      der::check_value(value, fault_, what);
      if (auto text = der::string_text(value)) attribute.values.push_back(std::move(*text));
    }
    csr_->attributes_.push_back(std::move(attribute));
  }

  void read_requested_extensions() {
    const ByteView extensions = !standard_.empty() ? standard_ : microsoft_;
    if (extensions.empty() || fault_.found()) return;
    csr_->extensions_ = read_extensions(extensions, fault_, Csr::kMaxExtensions);
    const auto san = std::ranges::find(csr_->extensions_, oid::kSubjectAltName, &Extension::oid);
    if (san == csr_->extensions_.end() || fault_.found()) return;
    auto names = parse_general_names(san->value);
    if (!names) return fault_.note(names.error());
    if (names->size() > Csr::kMaxNames) {
      return fault_.note("The request has " + std::to_string(names->size()) +
                         " alternative names; " + std::to_string(Csr::kMaxNames) +
                         " are accepted.");
    }
    csr_->subject_alt_names_ = std::move(*names);
  }

  std::shared_ptr<Csr> csr_{new Csr()};
  der::Fault fault_{Code::malformed};
  ByteView standard_;   // Extensions of the extensionRequest attribute (RFC 2985 5.4.2)
  ByteView microsoft_;  // of Microsoft's attribute of the same meaning
};

Result<std::shared_ptr<const Csr>> Csr::parse(ByteView der) {
  if (der.size() > kMaxBytes) {
    return fail(Code::too_large,
                "The certificate request is over " + std::to_string(kMaxBytes / 1024) + " KiB.");
  }
  return CsrParser().parse(der);
}

Result<std::shared_ptr<const Csr>> Csr::parse_pem(std::string_view text) {
  if (text.find("-----BEGIN") == std::string_view::npos) return parse(as_bytes(text));
  if (text.size() > 2 * kMaxBytes) {
    return fail(Code::too_large, "The text of the certificate request is over " +
                                     std::to_string(2 * kMaxBytes / 1024) + " KiB.");
  }
  const auto der = pem_decode(text, {kPemCsr, kPemNewCsr});
  if (!der) return der.error();
  return parse(*der);
}

std::string Csr::pem() const { return pem_encode(kPemCsr, der_); }

std::optional<std::string_view> Csr::challenge_password() const {
  const auto found = std::ranges::find(attributes_, oid::kChallengePassword, &Attribute::oid);
  if (found == attributes_.end() || found->values.empty()) return std::nullopt;
  return found->values.front();
}

Result<void> Csr::verify_possession() const {
  auto verified = public_key_->verify(algorithm_, info_, signature_);
  if (verified) return verified;
  Error error = verified.error();
  error.detail = "The request does not prove that its maker holds the key. " + error.detail;
  return error;
}

}  // namespace countersign::x509
