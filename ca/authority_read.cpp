// Look-ups and lists; each checks the caller.
#include "ca/authority.h"
#include "ca/authority_state.h"

namespace countersign::ca {

Task<Result<store::RequestRecord>> Authority::request(std::string id, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_own, caller, [&] {
    return required(state.store.request(id), "There is no request with this id.");
  });
}

Task<Result<store::RequestRecord>> Authority::queued_request(std::string certname, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_own, caller, [&] {
    return required(state.store.queued_request(certname), "No request of this name is queued.");
  });
}

Task<Result<store::RequestPage>> Authority::requests(store::RequestQuery query, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&] { return state.store.requests(query); });
}

Task<Result<store::CertificateRecord>> Authority::certificate(Bytes serial, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_own, caller, [&] {
    return required(state.store.certificate_by_serial(serial),
                    "There is no certificate with this serial.");
  });
}

Task<Result<store::CertificateRecord>> Authority::current_certificate(std::string certname,
                                                                      Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_own, caller, [&] {
    return required(state.store.current_certificate(certname),
                    "There is no certificate for this name.");
  });
}

Task<Result<std::vector<store::CertificateRecord>>> Authority::certificates_of(std::string certname,
                                                                               Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&] { return state.store.certificates_of(certname); });
}

Task<Result<store::CertificatePage>> Authority::certificates(store::CertificateQuery query,
                                                             Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(
      Action::read_all, caller, [&] { return state.store.certificates(query, state.clock.now()); });
}

Task<Result<std::vector<store::AuditRecord>>> Authority::history(std::string subject,
                                                                 std::size_t limit, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&] { return state.store.audit(subject, limit); });
}

Task<Result<Expirations>> Authority::expirations(Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_own, caller, [&] {
    return state.expirations.read(state.issuer->chain(), state.crl.full().pem);
  });
}

Task<Result<store::AuditPage>> Authority::audit(store::AuditQuery query, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&] { return state.store.audit_rows(query); });
}

Task<Result<std::vector<store::AuditCheckpoint>>> Authority::audit_checkpoints(std::int64_t after,
                                                                               std::size_t limit,
                                                                               Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&] { return state.store.audit_checkpoints(after, limit); });
}

Task<Result<std::vector<store::HookTally>>> Authority::hooks(Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller, [&] { return state.hooks.tallies(); });
}

Task<Result<std::vector<store::HookTally>>> Authority::hook_tallies() {
  State& state = *state_;
  co_return co_await state.pool.run([&] { return state.hooks.tallies(); });
}

Task<Result<store::Counts>> Authority::counts() {
  State& state = *state_;
  co_return co_await state.pool.run([&] { return state.store.counts(); });
}

}  // namespace countersign::ca
