// Renewal: a machine that holds a certificate gets the next one (Puppet contract 1.10).

#include <algorithm>

#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/succession.h"

namespace countersign::ca {
namespace {

// Does the name still stand for this key? An operator who cleaned a name, or gave it to another
// machine, has taken it from the holder of any older certificate; one who revoked it, too.
bool stands_for(const std::optional<store::CertificateRecord>& current,
                const x509::PublicKey& key) {
  return current && !current->revocation && has_key(*current, key);
}

constexpr std::string_view kRule = "renewal";

// Is it a renewal that has more than half of its life left? It is answered again: a machine that
// asks in a loop, or lost the answer, adds nothing to the store.
bool made_lately(const store::CertificateRecord& current, const std::string& issuer,
                 Timestamp now) {
  // Not from notBefore, which is put back: a short life could be half over at once.
  return current.rule == kRule && current.issuer == issuer &&
         now - current.issued_at < (current.not_after - current.issued_at) / 2;
}

// The row of the certificate that the new one follows: the current one of the name.
Result<store::CertificateRecord> renewable(const store::Store& store,
                                           const Result<store::CertificateRecord>& row,
                                           const x509::Certificate& old) {
  if (row.has_error()) return row.error();
  auto current = store.current_certificate(row->certname);
  if (current.has_error()) return current.error();
  if (!stands_for(*current, old.public_key())) {
    return fail(Code::denied,
                "The name '" + row->certname + "' does not stand for this key any more.");
  }
  const auto key = check_key(old.public_key());
  if (key.has_error()) return key.error();
  return std::move(**current);
}

}  // namespace

Task<Result<store::CertificateRecord>> Authority::renew(
    std::shared_ptr<const x509::Certificate> old, Caller caller) {
  State& state = *state_;
  const PuppetSettings& settings = state.config.puppet;
  // Two renewals of one name at once: the second follows the first.
  constexpr int kRounds = 3;
  for (int round = 1;; ++round) {
    store::CertificateRecord before;
    const auto make = [&]() -> Result<store::CertificateRecord> {
      if (!settings.allow_auto_renewal) {
        return fail(Code::not_granted, "Certificate renewal is switched off.");
      }
      auto found = renewable(state.store, state.live_row(*old), *old);
      if (found.has_error()) return found.error();
      before = std::move(*found);
      // Not what was presented: names and roles that were taken from the machine since that one
      // do not come back.
      const auto current = x509::Certificate::parse(before.der);
      if (current.has_error()) {
        return fail(Code::denied, "The current certificate of '" + before.certname +
                                      "' cannot be read; it is not renewed.");
      }
      if (made_lately(before, state.issuer->id(), state.clock.now())) return before;
      const auto right = state.clock_check.check();
      if (right.has_error()) return right.error();
      const Profile& profile = state.profile(before.profile);
      auto prepared =
          state.issuer->prepare_renewal(profile, **current, settings.auto_renewal_cert_ttl);
      if (prepared.has_error()) return prepared.error();
      const auto issued = state.issuer->issue(std::move(prepared).value());
      if (issued.has_error()) return issued.error();
      auto row = certificate_row(state.issuer->id(), **issued, state.clock.now());
      row.profile = before.profile;
      row.rule = kRule;
      // So that a renewed certificate still belongs to the rule that once granted it.
      row.request_id = before.request_id;
      return row;
    };
    auto made = co_await state.guarded(state.signs_where(), Action::renew, caller, make,
                                       round == 1 ? Lane::begins : Lane::goes_on);
    if (made.has_error()) co_return made.error();
    if (made->serial == before.serial) co_return made;
    store::WriteBatch batch;
    batch.push_back(
        store::InsertCertificate{.certificate = *made, .replace = false, .renews = before.serial});
    batch.push_back(store::AppendAudit{state.audit(
        "renew", caller, made->certname,
        {{"presented", to_hex(old->serial())}, {"names", made->names}}, to_hex(made->serial))});
    const auto stored = co_await state.commit_signed(std::move(batch));
    if (stored.has_value()) co_return made;
    if (stored.error().code != Code::conflict || round == kRounds) co_return stored.error();
  }
}

}  // namespace countersign::ca
