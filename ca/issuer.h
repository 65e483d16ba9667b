// The issuing CA: its chain, its signer, and the only way to a certificate under its key.
#ifndef COUNTERSIGN_CA_ISSUER_H_
#define COUNTERSIGN_CA_ISSUER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "ca/profile.h"
#include "x509/certificate.h"
#include "x509/crl.h"
#include "x509/key.h"

namespace countersign::ca {

// Everything in the certificate comes from here and from the profile.
struct Grant {
  std::string certname;
  std::vector<x509::GeneralName> names;     // every SAN
  std::vector<x509::Extension> extensions;  // copied as they are
  bool privileged = false;                  // may `extensions` hold pp_cli_auth? Only from `init`
  std::optional<std::chrono::seconds> validity;  // instead of the profile's
};

// Immutable, thread-safe. Calls may block on the signer: use the worker pool, unless
// signs_quickly().
class Issuer {
 public:
  // `chain`: the issuing certificate first, the root last. bad_key if the signer's key is not the
  // first certificate's, malformed if the chain does not hold together.
  static Result<std::unique_ptr<Issuer>> create(
      std::vector<std::shared_ptr<const x509::Certificate>> chain,
      std::unique_ptr<x509::Signer> signer, const Clock& clock, const Random& random);

  const std::string& id() const { return id_; }  // hex of the SKI
  const x509::Certificate& certificate() const { return *chain_.front(); }
  const std::vector<std::shared_ptr<const x509::Certificate>>& chain() const { return chain_; }
  const std::string& chain_pem() const { return chain_pem_; }
  // Does issue() take less time than the way to another thread and back? P-256 does, by a key that
  // is here.
  bool signs_quickly() const { return quick_; }

  // A certificate that passed the lint but is not signed yet: made by prepare, spent by issue.
  class Prepared {
   public:
    Prepared(Prepared&&) = default;
    Prepared& operator=(Prepared&&) = default;
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

   private:
    friend class Issuer;
    Prepared(Bytes tbs, x509::PublicKey key) : tbs_(std::move(tbs)), key_(std::move(key)) {}
    Bytes tbs_;
    x509::PublicKey key_;
  };

  // unavailable, and why, unless the CA's own certificate is valid then.
  Result<void> check_validity(Timestamp now) const;

  // Builds the TBS, with a serial that holds 128 random bits, and lints a twin: the TBS under a
  // signature that is none, but has the form of the issuer's. internal with the findings in `cause`
  // if the lint fails.
  Result<Prepared> prepare(const Profile& profile, const Grant& grant,
                           const x509::PublicKey& key) const;
  // The same for a renewal: name, key and extensions of `old`, which this issuer made; key ids
  // anew, and from the profile what the lint asks for and `old` lacks. `old` is its own proof that
  // it may hold what it holds, pp_cli_auth included (Puppet contract 1.10).
  Result<Prepared> prepare_renewal(const Profile& profile, const x509::Certificate& old,
                                   std::chrono::seconds validity) const;
  // Signs exactly the linted TBS.
  Result<std::shared_ptr<const x509::Certificate>> issue(Prepared prepared) const;

  // Signs a CRL of this issuer.
  Result<Bytes> sign_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                         std::chrono::sys_seconds next_update,
                         std::span<const x509::CrlEntry> entries) const;
  // The same over entries that are encoded already (x509::append_crl_entry).
  struct SignedCrl {
    Bytes der;
    Bytes signature;
  };
  Result<SignedCrl> sign_encoded_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                                     std::chrono::sys_seconds next_update, ByteView entries) const;
  // The DER of a CRL that was signed so before, byte for byte. bad_proof if the signature is not
  // of these entries, times and number.
  Result<Bytes> restore_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                            std::chrono::sys_seconds next_update, ByteView entries,
                            ByteView signature) const;

 private:
  Issuer(const Clock& clock, const Random& random) : clock_(clock), random_(random) {}
  Result<Prepared> prepare(const Profile& profile, std::chrono::seconds validity,
                           const std::string& certname, const x509::PublicKey& key,
                           std::vector<x509::Extension> extensions, bool privileged) const;
  Bytes tbs_crl(std::uint64_t number, std::chrono::sys_seconds this_update,
                std::chrono::sys_seconds next_update, ByteView entries) const;

  const Clock& clock_;
  const Random& random_;
  std::vector<std::shared_ptr<const x509::Certificate>> chain_;
  std::string chain_pem_;
  std::string id_;
  std::unique_ptr<x509::Signer> signer_;
  Bytes algorithm_;
  bool quick_ = false;
  // Of something else, by a key that nobody has: lint reads the form of what is to be signed, and
  // RSA would take as long for the twin as for the certificate.
  Bytes twin_signature_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_ISSUER_H_
