// Look-ups and lists; each checks the caller.
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/scoped_page.h"

namespace countersign::ca {

namespace {

// Both must hold.
store::NameFilter both(const Caller& caller, store::NameFilter match) {
  if (!caller.scope) return match;
  return [scope = caller.scope, match = std::move(match)](std::string_view name) {
    return scope->holds(name) && (!match || match(name));
  };
}

}  // namespace

Task<Result<store::RequestRecord>> Authority::request(std::string id, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(
      State::Where::here, Action::read_own, caller, [&]() -> Result<store::RequestRecord> {
        auto row = required(state.store.request(id), "There is no request with this id.");
        if (row.has_error()) return row;
        const auto within = request_in_scope(caller, *row);
        if (within.has_error()) return within.error();
        return row;
      });
}

Task<Result<store::RequestRecord>> Authority::queued_request(std::string certname, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(
      State::Where::here, Action::read_own, caller, [&]() -> Result<store::RequestRecord> {
        const auto named = in_scope(caller, certname);
        if (named.has_error()) return named.error();
        auto row =
            required(state.store.queued_request(certname), "No request of this name is queued.");
        if (row.has_error()) return row;
        const auto within = request_in_scope(caller, *row);
        if (within.has_error()) return within.error();
        return row;
      });
}

Task<Result<store::RequestPage>> Authority::requests(store::RequestQuery query, Caller caller) {
  State& state = *state_;
  query.match = both(caller, std::move(query.match));
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Result<store::RequestPage> {
    if (!caller.scope || !caller.scope->narrows_rules()) return state.store.requests(query);
    return scoped_page(
        query, [&](const store::RequestQuery& page) { return state.store.requests(page); },
        [&](const store::RequestRecord& row) -> Result<bool> {
          return caller.scope->holds_rule(row.rule);
        });
  });
}

Task<Result<store::CertificateRecord>> Authority::certificate(Bytes serial, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(
      State::Where::here, Action::read_own, caller, [&]() -> Result<store::CertificateRecord> {
        auto row = required(state.store.certificate_by_serial(serial),
                            "There is no certificate with this serial.");
        if (row.has_error()) return row;
        const auto within = state.certificate_in_scope(*row, caller);
        if (within.has_error()) return within.error();
        return row;
      });
}

Task<Result<store::CertificateRecord>> Authority::current_certificate(std::string certname,
                                                                      Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(State::Where::here, Action::read_own, caller,
                                   [&]() -> Result<store::CertificateRecord> {
                                     const auto named = in_scope(caller, certname);
                                     if (named.has_error()) return named.error();
                                     auto row = required(state.store.current_certificate(certname),
                                                         "There is no certificate for this name.");
                                     if (row.has_error()) return row;
                                     const auto within = state.certificate_in_scope(*row, caller);
                                     if (within.has_error()) return within.error();
                                     return row;
                                   });
}

Task<Result<std::vector<store::CertificateRecord>>> Authority::certificates_of(std::string certname,
                                                                               Caller caller) {
  State& state = *state_;
  using Rows = std::vector<store::CertificateRecord>;
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Result<Rows> {
    const auto named = in_scope(caller, certname);
    if (named.has_error()) return named.error();
    auto rows = state.store.certificates_of(certname);
    if (rows.has_error() || !caller.scope) return rows;
    Rows within;
    for (store::CertificateRecord& row : *rows) {
      const auto covered = state.certificate_in_scope(row, caller);
      if (covered.has_error() && covered.error().code != Code::out_of_scope) return covered.error();
      if (covered.has_value()) within.push_back(std::move(row));
    }
    return within;
  });
}

Task<Result<store::CertificatePage>> Authority::certificates(store::CertificateQuery query,
                                                             Caller caller) {
  State& state = *state_;
  query.match = both(caller, std::move(query.match));
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&]() -> Result<store::CertificatePage> {
                                     const Timestamp now = state.clock.now();
                                     if (!caller.scope || !caller.scope->narrows_rules()) {
                                       return state.store.certificates(query, now);
                                     }
                                     return scoped_page(
                                         query,
                                         [&](const store::CertificateQuery& page) {
                                           return state.store.certificates(page, now);
                                         },
                                         [&](const store::CertificateRecord& row) -> Result<bool> {
                                           auto rule = state.rule_of(row);
                                           if (rule.has_error()) return rule.error();
                                           return caller.scope->holds_rule(*rule);
                                         });
                                   });
}

Task<Result<std::vector<store::AuditRecord>>> Authority::history(std::string subject,
                                                                 std::size_t limit, Caller caller) {
  State& state = *state_;
  using Rows = std::vector<store::AuditRecord>;
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Result<Rows> {
    if (!caller.scope) return state.store.audit(subject, limit);
    store::AuditQuery query;
    if (!subject.empty()) query.subject = subject;
    query.newest_first = true;
    query.limit = limit;
    auto page = state.audit_in_scope(std::move(query), caller);
    if (page.has_error()) return page.error();
    return std::move(page->rows);
  });
}

Task<Result<Expirations>> Authority::expirations(Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_expirations, caller, [&] {
    return state.expirations.read(state.issuer->chain(), state.crl.full().pem);
  });
}

Task<Result<store::AuditPage>> Authority::audit(store::AuditQuery query, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller,
                                   [&] { return state.audit_in_scope(query, caller); });
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
  using Tallies = Result<std::vector<store::HookTally>>;
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Tallies {
    if (!caller.scope) return state.hooks.tallies();
    return fail(Code::out_of_scope, "This credential is narrowed to " + caller.scope->describe() +
                                        ", and hooks count what happens to all names.");
  });
}

Task<Result<std::vector<store::HookTally>>> Authority::hook_tallies() {
  State& state = *state_;
  co_return co_await state.pool.run([&] { return state.hooks.tallies(); });
}

Task<Result<store::Counts>> Authority::counts(Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_metrics, caller,
                                   [&] { return state.store.counts(); });
}

}  // namespace countersign::ca
