// Approvals: what one would sign, and the signature once enough people have given theirs.
#include <algorithm>
#include <boost/json.hpp>

#include "ca/approval.h"
#include "ca/approvers.h"
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/facts.h"
#include "ca/presented_identity.h"
#include "ca/verdict.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

// Others may approve at the same moment, again and again.
constexpr int kRounds = 8;

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
// operator gives beyond must be within what he is narrowed to, as the request itself is.
Result<void> names_in_scope(const Caller& caller, const store::RequestRecord& row,
                            const Grant& grant) {
  const bool narrowed = caller.scope && !caller.scope->terms().certnames.empty();
  if (!narrowed || !row.grant.empty()) return {};
  for (const x509::GeneralName& name : grant.names) {
    if (name.type != x509::GeneralName::Type::dns) {
      return fail(Code::out_of_scope, "It asks for the SAN '" + name.value +
                                          "', which no scope of names can cover. Approve it "
                                          "without its SANs, or leave it to others.");
    }
    auto within = in_scope(caller, name.value);
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

// What the certificate would hold, and what it would end: what a person says yes to.
std::string content_text(const Grant& grant, const Profile& profile, const Succession& succession) {
  json::array extensions;
  for (const auto& extension : grant.extensions) extensions.emplace_back(extension.oid);
  json::array revokes;
  for (const auto& row : succession.superseded) revokes.emplace_back(to_hex(row.serial));
  return json::serialize(
      json::object{{"names", names_text(grant.names)},
                   {"extensions", std::move(extensions)},
                   {"profile", profile.name},
                   {"validity_seconds", grant.validity.value_or(profile.validity).count()},
                   {"revokes", std::move(revokes)}});
}

Etag etag_of(const store::RequestRecord& request, const std::string& holds) {
  const std::string text = request.id + "\n" + to_hex(x509::sha256(request.csr)) + "\n" + holds;
  const Bytes digest = x509::sha256(as_bytes(text));
  Etag etag{};
  std::ranges::copy(digest, etag.begin());
  return etag;
}

}  // namespace

// The bytes are parsed and proven again: an approval trusts nothing but the stored CSR.
Result<Authority::State::Approvable> Authority::State::approvable(
    const store::RequestRecord& request, Approval approval, const Caller& caller) const {
  Approvable found;
  auto csr = x509::Csr::parse(request.csr);
  if (csr.has_error()) return csr.error();
  found.csr = std::move(*csr);
  const auto key = x509::check_key(found.csr->public_key());
  if (key.has_error()) return key.error();
  const auto possession = found.csr->verify_possession();
  if (possession.has_error()) return possession.error();
  if (!approval.validity || (approval.puppet && renews_itself(config.puppet, *found.csr))) {
    approval.validity = usual_validity(config.puppet, *found.csr);
  }
  auto grant = grant_for(config, request, *found.csr, approval, caller);
  if (grant.has_error()) return grant.error();
  found.grant = std::move(*grant);
  auto follows = succession_of_approval(store, request, found.csr->public_key(),
                                        config.puppet.allow_duplicate_certs, clock.now());
  if (follows.has_error()) return follows.error();
  found.succession = std::move(*follows);
  auto binding = binding_of_approval(store, request, *found.csr, clock.now());
  if (binding.has_error()) return binding.error();
  found.binding = std::move(*binding);
  found.holds = content_text(found.grant, profile(request.profile), found.succession);
  found.needed = approvals_needed(config, request, found.grant, policy.current()->most_approvals());
  return found;
}

Result<store::RequestRecord> Authority::State::waiting_request(const std::string& id,
                                                               const Caller& caller) const {
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

// Who gives this approval, and who gave theirs before.
struct Authority::State::Vote {
  std::string person;  // "" where one is enough
  std::int64_t before = 0;
  std::string all;  // "alice, bob", this one last
  bool last = true;
};

Result<Authority::State::Vote> Authority::State::vote(const store::RequestRecord& request,
                                                      const Approvable& what,
                                                      const Caller& caller) const {
  Vote vote;
  if (what.needed <= 1) return vote;
  auto person = person_of(store, config, caller.describe());
  if (person.has_error()) return person.error();
  vote.person = std::move(*person);
  const auto counts = check_approver(store, config, request, what.holds, vote.person);
  if (counts.has_error()) return counts.error();
  vote.all = approvers_of(request, what.holds, vote.person, vote.before);
  vote.all += (vote.all.empty() ? "" : ", ") + vote.person;
  vote.last = vote.before + 1 >= what.needed;
  return vote;
}

Task<Result<Submitted>> Authority::approve(std::string request_id, Approval approval,
                                           Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::decide, caller);
  if (permitted.has_error()) co_return permitted.error();
  const auto bounded = check_lifetime(approval.validity);
  if (bounded.has_error()) co_return bounded.error();
  for (int round = 1;; ++round) {
    bool crowded = false;
    auto outcome = co_await state.approve_once(request_id, approval, caller, crowded);
    if (!crowded || round == kRounds) co_return outcome;
  }
}

Task<Result<Submitted>> Authority::State::approve_once(const std::string& request_id,
                                                       const Approval& approval,
                                                       const Caller& caller, bool& crowded) {
  Submitted outcome;
  Approvable what;
  Vote voted;
  std::optional<Signed> made;
  const auto done = co_await pool.run([&]() -> Result<void> {
    auto row = waiting_request(request_id, caller);
    if (row.has_error()) return row.error();
    outcome.request = std::move(*row);
    auto found = approvable(outcome.request, approval, caller);
    if (found.has_error()) return found.error();
    what = std::move(*found);
    if (approval.if_match && *approval.if_match != etag_of(outcome.request, what.holds)) {
      return fail(Code::conflict, "The certificate for '" + outcome.request.certname +
                                      "' would not be the one that was previewed: its options, the "
                                      "configuration, or what the name has now differ. Preview "
                                      "it again.");
    }
    auto given = vote(outcome.request, what, caller);
    if (given.has_error()) return given.error();
    voted = std::move(*given);
    const Profile& kind = profile(outcome.request.profile);
    if (!voted.last) {
      // What cannot be signed shall not wait for one more person.
      const auto prepared = issuer->prepare(kind, what.grant, what.csr->public_key());
      return prepared.has_error() ? Result<void>(prepared.error()) : Result<void>();
    }
    auto issued = sign(what.grant, kind, *what.csr, "operator", outcome.request.id);
    if (issued.has_error()) return issued.error();
    made = std::move(*issued);
    return {};
  });
  if (done.has_error()) {
    co_await note_out_of_scope(Action::decide, done.error(), caller);
    if (done.error().code == Code::already_approved || done.error().code == Code::forbidden) {
      co_await audit_refusal("approve: " + done.error().detail, caller, outcome.request.certname);
    }
    co_return done.error();
  }

  store::RequestRecord& request = outcome.request;
  const Timestamp now = clock.now();
  store::WriteBatch batch;
  if (!voted.person.empty()) {
    store::ApprovalRecord row{voted.person, caller.describe(), what.holds, now};
    request.approvals.push_back(row);
    batch.push_back(store::AddApproval{request.id, std::move(row), voted.before});
  }
  if (made) {
    conclude(request, *made, what, voted, caller, now, batch);
    outcome.certificate = made->row;
    hooks.announce(HookEvent::approved, subject_of(outcome), batch);
  } else {
    const std::string given =
        std::to_string(voted.before + 1) + " of " + std::to_string(what.needed);
    batch.push_back(store::AppendAudit{audit("vote", caller, request.certname,
                                             {{"request", request.id},
                                              {"person", voted.person},
                                              {"approvals", given},
                                              {"approved_by", voted.all},
                                              {"names", names_text(what.grant.names)}})});
  }
  const auto stored = co_await commit_signed(std::move(batch));
  if (stored.has_error()) {
    const Code code = stored.error().code;
    if (is_name_taken(code)) co_return name_taken(code, request.certname);
    crowded = !voted.person.empty() && (code == Code::conflict || code == Code::already_approved);
    if (!what.succession.renews.empty() &&
        (code == Code::conflict || code == Code::already_revoked)) {
      co_return fail(Code::conflict, "Meanwhile another certificate of '" + request.certname +
                                         "' was issued or revoked, or the request was decided. "
                                         "Look at it again.");
    }
    co_return stored.error();
  }
  if (made) {
    hooks.wake();
    revoked(what.succession.superseded.size());
  }
  outcome.approvals_missing = made ? 0 : what.needed - voted.before - 1;
  co_return outcome;
}

// The request is signed: all that its commit holds beside the last approval.
void Authority::State::conclude(store::RequestRecord& request, const Signed& made,
                                const Approvable& what, const Vote& voted, const Caller& caller,
                                Timestamp now, store::WriteBatch& batch) const {
  request.state = store::RequestState::signed_;
  request.decided_at = now;
  request.decided_by = caller.describe();
  request.issuer = made.row.issuer;
  request.serial = made.row.serial;
  batch.push_back(store::DecideRequest{.id = request.id,
                                       .state = request.state,
                                       .reason = request.reason,
                                       .decided_by = request.decided_by,
                                       .at = now,
                                       .issuer = request.issuer,
                                       .serial = request.serial,
                                       .holds = what.holds});
  if (what.binding) {
    store::BindInstance binding = *what.binding;
    fill_in(binding, made.row);
    batch.push_back(std::move(binding));
  }
  add_certificate(batch, made.row, what.succession, caller);
  batch.push_back(store::AppendAudit{
      audit("approve", caller, request.certname,
            {{"request", request.id}, {"names", made.row.names}, {"approved_by", voted.all}},
            to_hex(request.serial))});
}

Task<Result<Preview>> Authority::preview(store::RequestRecord request, Approval approval,
                                         Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Result<Preview> {
    const auto bounded = check_lifetime(approval.validity);
    if (bounded.has_error()) return bounded.error();
    const auto within = request_in_scope(caller, request);
    if (within.has_error()) return within.error();
    Preview preview;
    preview.approvals_needed = request.approvals_needed;
    auto found = state.approvable(request, approval, caller);
    if (found.has_error()) {
      preview.refusal = found.error();
      return preview;
    }
    preview.approvals_needed = found->needed;
    const Profile& profile = state.profile(request.profile);
    preview.profile = profile.name;
    preview.validity = found->grant.validity.value_or(profile.validity);
    for (const auto& row : found->succession.superseded) preview.revokes.push_back(row.serial);
    for (const auto& given : request.approvals) {
      if (given.holds == found->holds) preview.approved_by.push_back(given.person);
    }
    if (allowed(caller, Action::decide)) {
      const auto vote = state.vote(request, *found, caller);
      if (vote.has_error()) preview.not_by_caller = vote.error();
    }
    preview.etag = etag_of(request, found->holds);
    preview.grant = std::move(found->grant);
    return preview;
  });
}

}  // namespace countersign::ca
