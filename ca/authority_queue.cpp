// What operators do with the queue: approve and deny.
#include "ca/approval.h"
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/verdict.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kLongestReason = 1024;

Result<store::RequestRecord> waiting_request(const store::Store& store, const std::string& id,
                                             const Caller& caller) {
  auto found = required(store.request(id), "There is no request with this id.");
  if (found.has_error()) return found;
  // Before anything is said of it.
  const auto within = request_in_scope(caller, *found);
  if (within.has_error()) return within.error();
  if (found->state != store::RequestState::queued) {
    return fail(Code::conflict, "The request is " + std::string(store::to_string(found->state)) +
                                    " already; only a queued one can be decided.");
  }
  return found;
}

// What its rule said it may hold; where the rule said nothing, what the operator approves.
Result<Grant> wanted_grant(const store::RequestRecord& row, const x509::Csr& csr,
                           const Approval& approval) {
  if (row.grant.empty()) return grant_of_approval(csr, row.certname, approval);
  const auto granted = granted_from_json(row.grant);
  if (granted.has_error()) return granted.error();
  Grant grant = grant_of_rule(csr, row.certname, *granted);
  grant.validity = approval.validity;
  return grant;
}

// A certificate stands for its SANs as well. What a rule granted is the site's word; what an
// operator gives beyond must be within what he is narrowed to.
Result<void> names_in_scope(const Caller& caller, const store::RequestRecord& row,
                            const Grant& grant) {
  auto within = request_in_scope(caller, row);
  const bool narrowed = caller.scope && !caller.scope->terms().certnames.empty();
  if (within.has_error() || !narrowed || !row.grant.empty()) return within;
  for (const x509::GeneralName& name : grant.names) {
    if (name.type != x509::GeneralName::Type::dns) {
      return fail(Code::out_of_scope, "It asks for the SAN '" + name.value +
                                          "', which no scope of names can cover. Approve it "
                                          "without its SANs, or leave it to others.");
    }
    within = in_scope(caller, name.value);
    if (within.has_error()) return within;
  }
  return {};
}

Result<Grant> grant_for(const AuthorityConfig& config, const store::RequestRecord& row,
                        const x509::Csr& csr, const Approval& approval, const Caller& caller) {
  auto grant = wanted_grant(row, csr, approval);
  if (grant.has_error()) return grant;
  const auto within = names_in_scope(caller, row, *grant);
  if (within.has_error()) return within.error();
  if (approval.reserved_names) {
    const bool lacks = has_standing(config, grant->certname) && !allowed(caller, Action::appoint);
    if (!lacks && !caller.scope) return grant;
    if (lacks || !reserved(config, *grant).empty()) {
      return fail(Code::forbidden, "'" + row.certname +
                                       "' is held back: " + std::string(reserved(config, *grant)) +
                                       ". Only an admin signs for it.");
    }
    return grant;
  }
  const std::string_view why = reserved(config, *grant);
  if (why.empty()) return grant;
  return fail(Code::not_granted, "'" + row.certname + "' is held back: " + std::string(why) +
                                     ". If that is meant, approve it with reserved_names "
                                     "(countersign sign NAME --reserved-names).");
}

}  // namespace

Task<Result<Submitted>> Authority::approve(std::string request_id, Approval approval,
                                           Caller caller) {
  State& state = *state_;
  const auto bounded = check_lifetime(approval.validity);
  const bool may_hold = approval.reserved_names;
  Submitted outcome;
  Succession succession;
  auto made = co_await state.guarded(Action::decide, caller, [&]() -> Result<State::Signed> {
    if (bounded.has_error()) return bounded.error();
    auto row = waiting_request(state.store, request_id, caller);
    if (row.has_error()) return row.error();
    outcome.request = std::move(*row);
    // The bytes are parsed and proven again: an approval trusts nothing but the stored CSR.
    auto csr = x509::Csr::parse(outcome.request.csr);
    if (csr.has_error()) return csr.error();
    const auto key = x509::check_key((*csr)->public_key());
    if (key.has_error()) return key.error();
    const auto possession = (*csr)->verify_possession();
    if (possession.has_error()) return possession.error();
    const PuppetSettings& settings = state.config.puppet;
    if (!approval.validity || (approval.puppet && renews_itself(settings, **csr))) {
      approval.validity = usual_validity(settings, **csr);
    }
    auto grant = grant_for(state.config, outcome.request, **csr, approval, caller);
    if (grant.has_error()) return grant.error();
    auto follows = succession_of_approval(state.store, outcome.request, (*csr)->public_key(),
                                          settings.allow_duplicate_certs, state.clock.now());
    if (follows.has_error()) return follows.error();
    succession = std::move(*follows);
    return state.sign(*grant, state.profile(outcome.request.profile), **csr, "operator",
                      outcome.request.id);
  });
  if (made.has_error()) {
    if (may_hold && made.error().code == Code::forbidden && allowed(caller, Action::decide)) {
      co_await state.audit_refusal("appoint: " + made.error().detail, caller);
    }
    co_return made.error();
  }

  store::RequestRecord& request = outcome.request;
  request.state = store::RequestState::signed_;
  request.decided_at = state.clock.now();
  request.decided_by = caller.describe();
  request.issuer = made->row.issuer;
  request.serial = made->row.serial;
  outcome.certificate = made->row;
  store::WriteBatch batch;
  batch.push_back(store::DecideRequest{.id = request.id,
                                       .state = request.state,
                                       .reason = request.reason,
                                       .decided_by = request.decided_by,
                                       .at = *request.decided_at,
                                       .issuer = request.issuer,
                                       .serial = request.serial});
  state.add_certificate(batch, std::move(made->row), succession, caller);
  batch.push_back(store::AppendAudit{state.audit(
      "approve", caller, request.certname,
      {{"request", request.id}, {"names", outcome.certificate->names}}, to_hex(request.serial))});
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) {
    if (is_name_taken(stored.error().code)) {
      co_return name_taken(stored.error().code, request.certname);
    }
    if (!succession.renews.empty() &&
        (stored.error().code == Code::conflict || stored.error().code == Code::already_revoked)) {
      co_return fail(Code::conflict, "Meanwhile another certificate of '" + request.certname +
                                         "' was issued or revoked, or the request was decided. "
                                         "Look at it again.");
    }
    co_return stored.error();
  }
  state.revoked(succession.superseded.size());
  co_return outcome;
}

Task<Result<Grant>> Authority::preview(store::RequestRecord request, Approval approval,
                                       Caller caller) {
  co_return co_await state_->guarded(Action::read_all, caller, [&]() -> Result<Grant> {
    const auto csr = x509::Csr::parse(request.csr);
    if (csr.has_error()) return csr.error();
    return grant_for(state_->config, request, **csr, approval, caller);
  });
}

Task<Result<std::vector<Bytes>>> Authority::would_revoke(store::RequestRecord request,
                                                         Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Result<std::vector<Bytes>> {
    std::vector<Bytes> serials;
    const auto within = request_in_scope(caller, request);
    if (within.has_error()) return within.error();
    if (request.reuse.empty()) return serials;
    const auto csr = x509::Csr::parse(request.csr);
    if (csr.has_error()) return csr.error();
    const auto follows = succession_of_approval(state.store, request, (*csr)->public_key(), false,
                                                state.clock.now());
    if (follows.has_error()) return follows.error();
    for (const auto& row : follows->superseded) serials.push_back(row.serial);
    return serials;
  });
}

Task<Result<store::RequestRecord>> Authority::deny(std::string request_id, std::string reason,
                                                   Caller caller) {
  State& state = *state_;
  auto row = co_await state.guarded(Action::decide, caller, [&]() -> Result<store::RequestRecord> {
    if (reason.empty() || reason.size() > kLongestReason) {
      return fail(Code::malformed, "A denial needs a reason of at most 1024 bytes.");
    }
    return waiting_request(state.store, request_id, caller);
  });
  if (row.has_error()) co_return row.error();
  row->state = store::RequestState::denied;
  row->reason = reason;
  row->decided_at = state.clock.now();
  row->decided_by = caller.describe();
  store::WriteBatch batch;
  batch.push_back(store::DecideRequest{.id = row->id,
                                       .state = row->state,
                                       .reason = reason,
                                       .decided_by = row->decided_by,
                                       .at = *row->decided_at,
                                       .issuer = {},
                                       .serial = {}});
  batch.push_back(store::AppendAudit{
      state.audit("deny", caller, row->certname, {{"request", row->id}, {"reason", reason}})});
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  co_return row;
}

}  // namespace countersign::ca
