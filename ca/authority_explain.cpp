// What would be decided of a request: nothing is stored, and nothing is taken of a limit.
#include "ca/approvers.h"
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/enrolment.h"
#include "ca/facts.h"
#include "ca/presented_identity.h"
#include "ca/reuse.h"
#include "ca/succession.h"
#include "ca/verdict.h"

namespace countersign::ca {
namespace {

// Does a request of another key wait under the name?
Result<bool> other_waits(const store::Store& store, const Examined& request) {
  const auto queued = store.queued_request(request.certname);
  if (queued.has_error()) return queued.error();
  return *queued && !is_of_same_key(**queued, *request.csr);
}

void refuse(const Error& error, Verdict& verdict) {
  verdict.decision.action = policy::Action::deny;
  verdict.decision.reason = error.detail;
}

// As the submission of it would be looked up and decided.
Result<Explanation> explained(const store::Store& store, const policy::RuleSet& rules,
                              const AuthorityConfig& config, Examined request, Timestamp now) {
  const auto current = holder_of(store, request.certname, now);
  if (current.has_error()) return current.error();
  const bool live = *current && store::state_of(**current, now) == store::CertificateState::signed_;
  request.facts.has_live_certificate = live;
  const auto waits = other_waits(store, request);
  if (waits.has_error()) return waits.error();
  request.request_waits = *waits;
  policy::Explanation plain = rules.explain(request.facts);
  Verdict verdict = verdict_of(std::move(plain.decision), request, config);
  if (live && rules.reuses_names()) request.live = **current;
  const auto alone = put_aside_by_token(verdict.decision, request);
  if (alone.has_error()) {
    refuse(alone.error(), verdict);
  } else if (request.live) {
    const auto settled = settle_reuse(store, request, now, verdict);
    if (settled.has_error() && !is_name_taken(settled.error().code)) return settled.error();
    if (settled.has_error()) refuse(settled.error(), verdict);
  }
  Explanation explanation;
  explanation.certname = request.certname;
  explanation.token = request.facts.token;
  explanation.nearest = std::move(plain.nearest);
  auto uses = uses_of(store, verdict.decision.limits, now);
  if (uses.has_error()) return uses.error();
  explanation.limits = std::move(*uses);
  hold_over_limit(explanation.limits, verdict);
  if (verdict.retry_at) verdict.decision.reason.insert(0, "would be ");
  hold_reserved_name(config, verdict);
  if (verdict.decision.action == policy::Action::sign && !verdict.decision.ask.empty()) {
    verdict.decision.reason += "; it would ask the decider '" + verdict.decision.ask +
                               "', which can still queue or deny it";
  }
  tell_of_live(request, verdict);
  ask_for_approvals(config, request, rules.most_approvals(), verdict);
  explanation.decision = std::move(verdict.decision);
  return explanation;
}

}  // namespace

Task<Result<Explanation>> Authority::explain(Submission submission, std::string source,
                                             Caller caller) {
  State& state = *state_;
  JsonWebKeySource* keys_wanted = nullptr;
  bool keys_fetched = false;
  const auto explain_once = [&]() -> Result<Explanation> {
    auto parsed = read_csr(submission.csr);
    if (parsed.has_error()) return parsed.error();
    auto certname = certname_of(**parsed, "");
    if (certname.has_error()) return certname.error();
    const auto within = in_scope(caller, *certname);
    if (within.has_error()) return within.error();
    Examined request{.csr = std::move(*parsed), .certname = std::move(*certname)};
    request.facts = facts_of(*request.csr, source);
    const Timestamp now = state.clock.now();
    auto token =
        find_token(state.store, presented_secret(submission, *request.csr), request.facts, now);
    if (token.has_error()) return token.error();
    request.facts.token = std::move(*token);
    const auto identified = find_identity(
        state.store, state.identities, presented_document(submission, *request.csr), now, request);
    if (identified.has_error()) return identified.error();
    keys_wanted = keys_fetched ? nullptr : request.keys_wanted;
    if (keys_wanted != nullptr) return Explanation();
    const auto rules = state.policy.current();
    return explained(state.store, *rules, state.config, std::move(request), now);
  };
  auto explanation = co_await state.guarded(Action::explain, caller, explain_once);
  if (keys_wanted != nullptr) {
    keys_fetched = true;
    const auto fetched = co_await keys_wanted->fetch();
    if (fetched.has_error()) co_return fetched.error();
    explanation = co_await state.guarded(Action::explain, caller, explain_once);
  }
  co_return explanation;
}

}  // namespace countersign::ca
