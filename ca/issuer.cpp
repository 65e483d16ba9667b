#include "ca/issuer.h"

#include <algorithm>
#include <stdexcept>

#include "policy/facts.h"
#include "x509/lint.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kSerialBytes = 20;

std::vector<x509::Extension> extensions_of(const Profile& profile, const Grant& grant,
                                           const x509::PublicKey& key,
                                           const x509::Certificate& issuer) {
  std::vector<x509::Extension> list;
  list.push_back(x509::basic_constraints(false));
  list.push_back(x509::key_usage(profile.key_usage));
  list.push_back(x509::extended_key_usage(profile.extended_key_usage, true));
  list.push_back(x509::subject_key_identifier(key.key_id()));
  list.push_back(x509::authority_key_identifier(issuer.subject_key_id()));
  if (!grant.names.empty()) list.push_back(x509::subject_alt_name(grant.names));
  if (!profile.crl_distribution_points.empty()) {
    list.push_back(x509::crl_distribution_points(profile.crl_distribution_points));
  }
  if (!profile.ocsp.empty() || !profile.ca_issuers.empty()) {
    list.push_back(x509::authority_info_access(profile.ocsp, profile.ca_issuers));
  }
  for (const x509::Extension& extension : grant.extensions) {
    list.push_back(extension);
    // A critical extension that relying parties do not know would make the certificate useless.
    list.back().critical = false;
  }
  return list;
}

std::vector<x509::Extension> renewed_extensions(const Profile& profile,
                                                const x509::Certificate& old,
                                                const x509::Certificate& issuer) {
  namespace oid = x509::oid;
  std::vector<x509::Extension> list;
  for (const x509::Extension& extension : old.extensions()) {
    if (extension.oid == oid::kSubjectKeyIdentifier) {
      list.push_back(x509::subject_key_identifier(old.public_key().key_id()));
    } else if (extension.oid == oid::kAuthorityKeyIdentifier) {
      list.push_back(x509::authority_key_identifier(issuer.subject_key_id()));
    } else {
      list.push_back(extension);
    }
  }
  // Certificates of old Puppet CAs can lack some, the SAN above all.
  const Grant name_alone{.certname = old.common_name(),
                         .names = {{x509::GeneralName::Type::dns, old.common_name()}}};
  const Profile bare{.key_usage = profile.key_usage,
                     .extended_key_usage = profile.extended_key_usage};
  for (x509::Extension& extension : extensions_of(bare, name_alone, old.public_key(), issuer)) {
    if (old.find(extension.oid) == nullptr) list.push_back(std::move(extension));
  }
  return list;
}

// The time in 1/64 s, which comes round after half a year, and 128 random bits: 20 octets (RFC 5280
// 4.1.2.2). By the time serials of one moment are neighbours in the index, so that a commit of many
// changes few of its pages, however many there are. The first octet is 0x40 or above, for a
// positive INTEGER that always has the same length.
Bytes serial_at(Timestamp now, const Random& random) {
  using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 64>>;
  const auto ticks = std::chrono::floor<Ticks>(now.time_since_epoch()).count();
  const auto prefix = static_cast<std::uint32_t>(ticks & 0x3FFFFFFF) | 0x40000000U;
  Bytes serial = random.bytes(kSerialBytes);
  for (std::size_t i = 0; i < 4; ++i) {
    serial[i] = static_cast<std::uint8_t>(prefix >> (24 - 8 * i));
  }
  return serial;
}

}  // namespace

Result<std::unique_ptr<Issuer>> Issuer::create(
    std::vector<std::shared_ptr<const x509::Certificate>> chain,
    std::unique_ptr<x509::Signer> signer, const Clock& clock, const Random& random) {
  if (chain.empty()) return fail(Code::malformed, "The CA chain holds no certificate.");
  const x509::Certificate& own = *chain.front();
  if (!std::ranges::equal(own.public_key().spki(), signer->public_key().spki())) {
    return fail(Code::bad_key,
                "The CA key does not belong to the first certificate of the chain. Put back the "
                "issuing.key and chain.pem that were made together.");
  }
  if (!own.is_ca() || own.subject_key_id().empty()) {
    return fail(Code::malformed,
                "The first certificate of the chain is not a CA certificate with "
                "a subject key identifier.");
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const x509::Certificate& parent = *chain[std::min(i + 1, chain.size() - 1)];
    if (chain[i]->issuer() != parent.subject() || !chain[i]->signed_by(parent.public_key())) {
      return fail(Code::malformed, "The CA chain does not hold together: '" +
                                       chain[i]->common_name() + "' is not signed by '" +
                                       parent.common_name() +
                                       "'. It needs the issuing CA first and "
                                       "the root last.");
    }
  }
  const auto throwaway = x509::PrivateKey::generate(signer->public_key().spec());
  if (throwaway.has_error()) return throwaway.error();
  const auto signature = throwaway->sign(as_bytes("a twin"));
  if (signature.has_error()) return signature.error();

  std::unique_ptr<Issuer> issuer(new Issuer(clock, random));
  issuer->id_ = to_hex(own.subject_key_id());
  for (const auto& certificate : chain) issuer->chain_pem_ += certificate->pem();
  issuer->chain_ = std::move(chain);
  issuer->algorithm_ = signer->signature_algorithm();
  issuer->quick_ = signer->public_key().spec() == x509::KeySpec{x509::KeyAlgorithm::ec, 256};
  issuer->signer_ = std::move(signer);
  issuer->twin_signature_ = *signature;
  return issuer;
}

Result<void> Issuer::check_validity(Timestamp now) const {
  if (now < certificate().not_before()) {
    return fail(Code::unavailable, "The clock says " + to_rfc3339(now) +
                                       ", and the issuing CA certificate is valid from " +
                                       to_rfc3339(certificate().not_before()) +
                                       " on; nothing can be signed. Put the clock right.");
  }
  if (now >= certificate().not_after()) {
    return fail(Code::unavailable,
                "The issuing CA certificate has expired; no certificate can be issued: it ended " +
                    to_rfc3339(certificate().not_after()) + ", and the clock says " +
                    to_rfc3339(now) + ". If the clock is right, make a new issuing CA.");
  }
  return {};
}

Result<Issuer::Prepared> Issuer::prepare(const Profile& profile, const Grant& grant,
                                         const x509::PublicKey& key) const {
  return prepare(profile, grant.validity.value_or(profile.validity), grant.certname, key,
                 extensions_of(profile, grant, key, certificate()), grant.privileged);
}

Result<Issuer::Prepared> Issuer::prepare_renewal(const Profile& profile,
                                                 const x509::Certificate& old,
                                                 std::chrono::seconds validity) const {
  const bool privileged = old.find(policy::kCliAuthOid) != nullptr;
  return prepare(profile, validity, old.common_name(), old.public_key(),
                 renewed_extensions(profile, old, certificate()), privileged);
}

Result<Issuer::Prepared> Issuer::prepare(const Profile& profile, std::chrono::seconds validity,
                                         const std::string& certname, const x509::PublicKey& key,
                                         std::vector<x509::Extension> extensions,
                                         bool privileged) const {
  const Timestamp moment = clock_.now();
  const auto now = std::chrono::floor<std::chrono::seconds>(moment);
  const auto valid = check_validity(now);
  if (valid.has_error()) return valid.error();
  x509::CertificateContent content;
  content.serial = serial_at(moment, random_);
  content.issuer = certificate().subject();
  content.subject = x509::common_name_only(certname);
  // Nothing is valid before the key that vouches for it, nor after.
  content.not_before = std::max(
      now - profile.backdate, std::chrono::floor<std::chrono::seconds>(certificate().not_before()));
  content.not_after =
      std::min(now + validity, std::chrono::floor<std::chrono::seconds>(certificate().not_after()));
  content.spki = to_bytes(key.spki());
  content.extensions = std::move(extensions);

  Bytes tbs = x509::encode_tbs(content, algorithm_);
  const Bytes twin = x509::assemble_signed(tbs, algorithm_, twin_signature_);
  const auto findings = x509::lint(twin, {.issuer = certificate().subject(),
                                          .authority_key_id = certificate().subject_key_id(),
                                          .common_name = certname,
                                          .privileged = privileged});
  if (!findings.empty()) {
    std::string cause;
    for (const std::string& finding : findings) cause += finding + "; ";
    return fail(Code::internal, "The certificate would break RFC 5280 and was not signed.", cause);
  }
  return Prepared(std::move(tbs), key);
}

Result<std::shared_ptr<const x509::Certificate>> Issuer::issue(Prepared prepared) const {
  const auto signature = signer_->sign(prepared.tbs_);
  if (signature.has_error()) return signature.error();
  return x509::Certificate::parse(x509::assemble_signed(prepared.tbs_, algorithm_, *signature),
                                  &prepared.key_);
}

Result<Bytes> Issuer::sign_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                               std::chrono::sys_seconds next_update,
                               std::span<const x509::CrlEntry> entries) const {
  Bytes encoded;
  for (const x509::CrlEntry& entry : entries) x509::append_crl_entry(encoded, entry);
  auto crl = sign_encoded_crl(number, this_update, next_update, encoded);
  if (crl.has_error()) return crl.error();
  return std::move(crl->der);
}

Bytes Issuer::tbs_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                      std::chrono::sys_seconds next_update, ByteView entries) const {
  return x509::encode_tbs_crl({.issuer = certificate().subject(),
                               .authority_key_id = certificate().subject_key_id(),
                               .number = number,
                               .this_update = this_update,
                               .next_update = next_update,
                               .entries = {},
                               .encoded_entries = entries},
                              algorithm_);
}

Result<Issuer::SignedCrl> Issuer::sign_encoded_crl(std::uint64_t number,
                                                   std::chrono::sys_seconds this_update,
                                                   std::chrono::sys_seconds next_update,
                                                   ByteView entries) const {
  const Bytes tbs = tbs_crl(number, this_update, next_update, entries);
  auto signature = signer_->sign(tbs);
  if (signature.has_error()) return signature.error();
  SignedCrl crl;
  crl.der = x509::assemble_signed(tbs, algorithm_, *signature);
  crl.signature = std::move(*signature);
  return crl;
}

Result<Bytes> Issuer::restore_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                                  std::chrono::sys_seconds next_update, ByteView entries,
                                  ByteView signature) const {
  try {
    const Bytes tbs = tbs_crl(number, this_update, next_update, entries);
    const auto good = certificate().public_key().verify(algorithm_, tbs, signature);
    if (good.has_error()) return good.error();
    return x509::assemble_signed(tbs, algorithm_, signature);
  } catch (const std::invalid_argument& error) {
    // Nobody signed a time that has no encoding.
    return fail(Code::bad_proof, "The CRL cannot be put together.", error.what());
  }
}

}  // namespace countersign::ca
