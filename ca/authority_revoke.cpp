// Revocation, the freeing of names, and what CAs above ours revoked.
#include <algorithm>

#include "base/log.h"
#include "ca/authority.h"
#include "ca/authority_state.h"

namespace countersign::ca {
namespace {

std::vector<store::CertificateRecord> revocable(std::vector<store::CertificateRecord> all,
                                                Timestamp now) {
  std::erase_if(all, [now](const store::CertificateRecord& row) {
    return store::state_of(row, now) != store::CertificateState::signed_;
  });
  return all;
}

// Of a CA that signed itself the serials of its own certificate and of those that it issued are one
// series, and an imported inventory may have a row of the CA itself. Its revocation would end all.
Result<void> spare_own(const Issuer& issuer, ByteView serial) {
  const x509::Certificate& own = issuer.certificate();
  if (own.subject() != own.issuer() || !std::ranges::equal(own.serial(), serial)) return {};
  return fail(Code::denied,
              "This is the serial of the CA's own certificate, which is never revoked here.");
}

struct Holdings {
  std::vector<store::CertificateRecord> certificates;
  std::optional<store::RequestRecord> waiting;  // the queued request
  Bytes current;  // serial of the certificate that the name stands for; empty: of none
};

Result<Holdings> holdings(const store::Store& store, const std::string& certname) {
  Holdings found;
  auto waiting = store.queued_request(certname);
  if (waiting.has_error()) return waiting.error();
  auto rows = store.certificates_of(certname);
  if (rows.has_error()) return rows.error();
  found.waiting = std::move(*waiting);
  found.certificates = std::move(*rows);
  const auto current = std::ranges::find_if(found.certificates, &store::CertificateRecord::current);
  if (current != found.certificates.end()) found.current = current->serial;
  return found;
}

}  // namespace

Task<Result<store::CertificateRecord>> Authority::revoke(Bytes serial,
                                                         x509::RevocationReason reason,
                                                         Caller caller) {
  State& state = *state_;
  auto row =
      co_await state.guarded(Action::revoke, caller, [&]() -> Result<store::CertificateRecord> {
        const auto other = spare_own(*state.issuer, serial);
        if (other.has_error()) return other.error();
        auto found = required(state.store.certificate(state.issuer->id(), serial),
                              "There is no certificate with this serial.");
        if (found.has_error()) return found;
        const auto within = state.certificate_in_scope(*found, caller);
        if (within.has_error()) return within.error();
        return found;
      });
  if (row.has_error()) co_return row.error();
  if (row->revocation) {
    co_return fail(Code::already_revoked, "The certificate is revoked already.");
  }
  row->revocation = store::Revocation{state.clock.now(), static_cast<int>(reason)};
  store::WriteBatch batch;
  batch.push_back(store::RevokeCertificate{row->issuer, row->serial, *row->revocation});
  batch.push_back(store::AppendAudit{state.audit("revoke", caller, row->certname,
                                                 {{"reason", std::string(x509::to_string(reason))}},
                                                 to_hex(row->serial))});
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  state.revocations.fetch_add(1);
  state.crl.changed();
  co_return row;
}

Task<Result<std::size_t>> Authority::revoke_name(std::string certname,
                                                 x509::RevocationReason reason, Caller caller) {
  State& state = *state_;
  std::size_t revoked = 0;
  // Read again until nothing is left: there may be more than one commit takes, and a renewal may
  // have come in between. It needs an unrevoked current certificate, so that the first round leaves
  // it a moment at most.
  constexpr int kRounds = 1000;
  for (int round = 0; round < kRounds; ++round) {
    using Rows = std::vector<store::CertificateRecord>;
    auto rows = co_await state.guarded(Action::revoke, caller, [&]() -> Result<Rows> {
      const auto named = in_scope(caller, certname);
      if (named.has_error()) return named.error();
      auto all = state.store.certificates_of(certname);
      if (all.has_error()) return all;
      const auto within = state.rules_in_scope(*all, caller);
      if (within.has_error()) return within.error();
      return all;
    });
    if (rows.has_error()) co_return rows.error();
    const Timestamp now = state.clock.now();
    if (std::ranges::none_of(*rows, [now](const store::CertificateRecord& row) {
          return row.current || row.not_after > now;
        })) {
      co_return fail(Code::not_found, "There is no certificate for the name '" + certname + "'.");
    }
    auto left = revocable(std::move(*rows), now);
    if (left.empty()) co_return revoked;
    std::stable_partition(left.begin(), left.end(),
                          [](const store::CertificateRecord& row) { return row.current; });
    // All in one commit, unless it would hold up the others for long: a stop in the middle leaves
    // none of them trusted.
    constexpr std::size_t kMostAtOnce = 5000;
    if (left.size() > kMostAtOnce) left.resize(kMostAtOnce);
    store::WriteBatch batch;
    for (const store::CertificateRecord& row : left) {
      const auto other = spare_own(*state.issuer, row.serial);
      if (other.has_error()) co_return other.error();
      batch.push_back(
          store::RevokeCertificate{row.issuer, row.serial, {now, static_cast<int>(reason)}});
      batch.push_back(store::AppendAudit{
          state.audit("revoke", caller, certname,
                      {{"reason", std::string(x509::to_string(reason))}}, to_hex(row.serial))});
    }
    const auto stored = co_await state.committer.commit(std::move(batch));
    if (stored.has_error()) {
      // Another revocation came in between: once more, with what is left.
      if (stored.error().code == Code::already_revoked) continue;
      co_return stored.error();
    }
    revoked += left.size();
    state.revocations.fetch_add(left.size());
    state.crl.changed();
  }
  co_return fail(Code::conflict, "The name '" + certname + "' is renewed without end; try again.");
}

Task<Result<void>> Authority::clean(std::string certname, Clean what, Caller caller) {
  State& state = *state_;
  // An approval, a renewal or a revocation between the reads and the commit makes the batch fail
  // whole: then once more, with what is there by then. A machine can renew as often as it likes.
  constexpr int kRounds = 100;
  for (int round = 1;; ++round) {
    auto found = co_await state.guarded(Action::revoke, caller, [&]() -> Result<Holdings> {
      const auto named = in_scope(caller, certname);
      if (named.has_error()) return named.error();
      auto all = holdings(state.store, certname);
      if (all.has_error()) return all;
      const auto within = state.rules_in_scope(all->certificates, caller);
      if (within.has_error()) return within.error();
      if (all->waiting && what.requests) {
        const auto decided = rule_in_scope(caller, all->waiting->rule);
        if (decided.has_error()) return decided.error();
      }
      return all;
    });
    if (found.has_error()) co_return found.error();
    if (found->certificates.empty() && !(found->waiting && what.requests)) {
      co_return fail(Code::not_found, "There is nothing of the name '" + certname + "'.");
    }
    // One batch: the name is not freed while a certificate of it could still be trusted.
    const Timestamp now = state.clock.now();
    store::WriteBatch batch;
    std::size_t revoked = 0;
    if (what.revoke) {
      for (const store::CertificateRecord& row : revocable(std::move(found->certificates), now)) {
        const auto other = spare_own(*state.issuer, row.serial);
        if (other.has_error()) co_return other.error();
        const int reason = static_cast<int>(what.reason);
        batch.push_back(store::RevokeCertificate{row.issuer, row.serial, {now, reason}});
        batch.push_back(store::AppendAudit{state.audit(
            "revoke", caller, certname, {{"reason", std::string(x509::to_string(what.reason))}},
            to_hex(row.serial))});
        ++revoked;
      }
    }
    if (!found->current.empty()) batch.push_back(store::ReleaseName{certname, found->current});
    if (found->waiting && what.requests) {
      batch.push_back(store::WithdrawRequest{certname, now, caller.describe()});
    }
    batch.push_back(store::AppendAudit{state.audit("clean", caller, certname, {})});
    const auto stored = co_await state.committer.commit(std::move(batch));
    if (stored.has_error()) {
      const Code code = stored.error().code;
      const bool race =
          code == Code::not_found || code == Code::already_revoked || code == Code::conflict;
      if (race && round < kRounds) continue;
      co_return stored.error();
    }
    if (revoked > 0) {
      state.revocations.fetch_add(revoked);
      state.crl.changed();
    }
    co_return Result<void>();
  }
}

Task<Result<void>> Authority::upload_crls(std::string pem, Caller caller) {
  State& state = *state_;
  const auto row = [&](const std::string& replaced) {
    return state.audit("upload CRLs", caller, "", {{"replaced", replaced}});
  };
  const auto done = co_await state.guarded(Action::upload_crls, caller,
                                           [&] { return state.crl.upload(pem, row); });
  if (done.has_error() && done.error().code == Code::malformed) {
    log::warn("crl_upload_refused", {{"caller", caller.describe()},
                                     {"error", done.error().detail},
                                     {"cause", done.error().cause}});
    co_await state.audit_refusal("upload CRLs: " + done.error().detail, caller);
  }
  co_return done;
}

}  // namespace countersign::ca
