// The life of a request, from bytes to a stored outcome. docs/architecture.md numbers the same
// steps.
#include "ca/approval.h"
#include "ca/approvers.h"
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/enrolment.h"
#include "ca/facts.h"
#include "ca/limits.h"
#include "ca/presented_identity.h"
#include "ca/reuse.h"
#include "ca/verdict.h"
#include "x509/pem.h"

namespace countersign::ca {
namespace {

store::RequestRecord request_row(const Examined& request, const Verdict& verdict,
                                 const Caller& caller, std::string id, Timestamp now) {
  store::RequestRecord row;
  row.id = std::move(id);
  row.certname = request.certname;
  row.csr = to_bytes(request.csr->der());
  row.rule = verdict.by;
  row.reason = verdict.decision.reason;
  row.trace = policy::trace_to_json(verdict.decision.trace);
  if (verdict.decision.action == policy::Action::queue && verdict.decision.has_grant) {
    row.grant = granted_to_json(verdict.decision.granted);
  }
  row.profile = verdict.decision.profile;
  if (verdict.decision.action == policy::Action::queue) {
    if (verdict.reuse) row.reuse = policy::to_string(*verdict.reuse);
    row.retry_at = verdict.retry_at;
    row.approvals_needed = verdict.decision.approvals;
  }
  row.source = caller.source;
  row.caller = caller.describe();
  row.key = x509::to_string(request.csr->public_key().spec());
  row.names = names_text(request.csr->subject_alt_names());
  row.identity = identity_to_json(request);
  row.created_at = now;
  return row;
}

// Others may be faster again and again, where many replace one name or share one limit.
constexpr int kRounds = 8;

// Did another call about the same name, serial or limit come in between?
bool is_race(Code code) {
  return is_name_taken(code) || code == Code::conflict || code == Code::not_found ||
         code == Code::already_revoked || code == Code::rate_limited;
}

// What the client is told after the last round.
Error lost_race(const Error& error, const std::string& certname) {
  if (is_name_taken(error.code)) return name_taken(error.code, certname);
  if (error.code == Code::already_revoked || error.code == Code::rate_limited) {
    return fail(Code::overloaded, "Too many requests at once for " + certname + "; try again.");
  }
  return error;
}

}  // namespace

// 1. Parse, prove possession, check the key and the name; 2. what the store knows; 3. decide.
Result<Authority::State::Judged> Authority::State::judge(const Submission& submission,
                                                         const Caller& caller,
                                                         bool keys_fetched) const {
  const Timestamp now = clock.now();
  const auto rules = policy.current();
  auto examined =
      examine(store, submission, caller, config, identities, rules->reuses_names(), now);
  if (examined.has_error()) return examined.error();
  Judged judged{.request = std::move(*examined),
                .verdict = {},
                .program = autosign_runs_program(config.puppet),
                .most_approvals = rules->most_approvals()};
  Examined& request = judged.request;
  if (request.repeated) return judged;
  // By a clock that is wrong a good token has ended, and a request waits for years or has waited
  // for too long: the machine shall ask again when it is right.
  const auto right = clock_check.check();
  if (right.has_error()) return right.error();
  if (request.keys_wanted != nullptr && !keys_fetched) return judged;
  judged.verdict = decide(*rules, request, config);
  const policy::Decision& decision = judged.verdict.decision;
  const auto alone = put_aside_by_token(decision, request);
  if (alone.has_error()) return alone.error();
  if (request.bound && decision.identity && decision.reuse == policy::Reuse::refuse) {
    request.repeated = std::move(request.bound);
    return judged;
  }
  const auto settled = settle_reuse(store, request, now, judged.verdict);
  if (settled.has_error()) return settled.error();
  const auto uses = uses_of(store, decision.limits, now);
  if (uses.has_error()) return uses.error();
  hold_over_limit(*uses, judged.verdict);
  return judged;
}

Task<Result<Submitted>> Authority::submit(Submission submission, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::submit, caller);
  if (permitted.has_error()) co_return permitted.error();

  std::optional<State::DeciderWord> said;
  bool keys_fetched = false;
  // Another round only if another submission came in between, or for an issuer's keys.
  for (int round = 1;; ++round) {
    const auto judge = [&] { return state.judge(submission, caller, keys_fetched); };
    auto judged =
        co_await state.run(state.signs_where(), judge, round == 1 ? Lane::begins : Lane::goes_on);
    if (judged.has_error()) {
      const Error& error = judged.error();
      if (is_name_taken(error.code) && !error.cause.empty()) {
        co_await state.audit_refusal("submit: " + error.cause, caller);
      }
      co_await state.note_out_of_scope(Action::submit, error, caller);
      co_return error;
    }
    Examined& request = judged->request;
    Verdict& verdict = judged->verdict;
    if (request.repeated) co_return std::move(*request.repeated);
    if (request.keys_wanted != nullptr && !keys_fetched) {
      // On a thread of the issuer's own; nobody who signs waits for it.
      keys_fetched = true;
      const auto asked = co_await request.keys_wanted->fetch();
      if (asked.has_error()) co_return asked.error();
      continue;
    }

    // 4. Puppet's autosign for what no rule matched. A program has threads of its own to wait in.
    // Whatever goes wrong there queues the request, except that there is no room to ask at all:
    // the machine shall try again, and not wait for a person.
    const auto& puppet = state.config.puppet;
    if (autosign_decides(puppet, submission, verdict)) {
      WorkerPool& threads = judged->program ? state.programs : state.pool;
      const auto answer = co_await threads.run(
          // Not the body as it came: another reader might see another request in it.
          [&] {
            const std::string pem = x509::pem_encode(x509::kPemCsr, request.csr->der());
            return ask_autosign(puppet, request.certname, pem);
          });
      if (answer.has_error() && answer.error().code == Code::overloaded) co_return answer.error();
      apply_autosign(puppet, request, answer, verdict);
    }
    hold_reserved_name(state.config, verdict);
    hold_outside_rules(caller, verdict);

    // 5. What the rule would sign, its decider outside may still hold back or narrow.
    if (verdict.decision.action == policy::Action::sign && !verdict.decision.ask.empty()) {
      const auto asked = co_await state.ask_decider(request, caller, said, verdict);
      if (asked.has_error()) co_return asked.error();
    }
    if (verdict.decision.action == policy::Action::deny) {
      const auto found = find_denied(state.store, request);
      if (found.has_error()) co_return found.error();
    }
    tell_of_live(request, verdict);
    ask_for_approvals(state.config, request, judged->most_approvals, verdict);
    if (verdict.clock_put_back) {
      const auto settled = co_await state.committer.commit(
          settle_allowances(verdict.decision.limits, state.clock.now()));
      if (settled.has_error()) co_return settled.error();
    }

    if (verdict.decision.action == policy::Action::deny && request.denied_before &&
        request.denied_before->rule == verdict.by &&
        request.denied_before->trace == policy::trace_to_json(verdict.decision.trace)) {
      // Nothing new: no row, so that a denied machine that tries for ever does not fill the store.
      co_return Submitted{*request.denied_before, std::nullopt, true};
    }

    if (verdict.decision.action == policy::Action::queue && request.waiting) {
      co_return *request.waiting;
    }

    auto outcome = co_await state.carry_out(request, verdict, caller);
    if (outcome.has_value()) {
      if (verdict.refusal) co_return *verdict.refusal;
      co_return outcome;
    }
    if (round == kRounds || !is_race(outcome.error().code)) {
      co_return lost_race(outcome.error(), request.certname);
    }
  }
}

// 6. Prepare, lint, sign. 7. One atomic batch; nothing leaves before it is durable.
Task<Result<Submitted>> Authority::State::carry_out(const Examined& request, const Verdict& verdict,
                                                    const Caller& caller) {
  Submitted outcome;
  outcome.request = request_row(request, verdict, caller, new_id(), clock.now());
  store::WriteBatch batch;
  // Of a denied machine that waited, too: nobody shall approve it by what was said before.
  if (request.replaces_request &&
      (verdict.decision.action != policy::Action::deny || request.waiting)) {
    batch.push_back(
        store::WithdrawRequest{request.certname, outcome.request.created_at, caller.describe()});
    const std::string reason = verdict.decision.action == policy::Action::deny
                                   ? "its machine is denied now"
                                   : "replaced by a newer request";
    batch.push_back(
        store::AppendAudit{audit("withdraw", caller, request.certname, {{"reason", reason}})});
  }
  std::string action = "queue";
  std::size_t superseded = 0;
  if (verdict.decision.action == policy::Action::sign) {
    const auto sign_it = [&] {
      return sign(verdict.grant, profile(verdict.decision.profile), *request.csr, verdict.by,
                  outcome.request.id);
    };
    auto made = co_await run(signs_where(), sign_it);
    if (made.has_error()) co_return made.error();
    action = "issue";
    outcome.request.state = store::RequestState::signed_;
    outcome.request.issuer = made->row.issuer;
    outcome.request.serial = made->row.serial;
    outcome.certificate = made->row;
    if (verdict.decision.token) {
      // In the commit of the certificate: of a hundred who show it at once, one gets one.
      outcome.request.token = request.facts.token->id;
      batch.push_back(
          store::RedeemEnrolmentToken{outcome.request.token, outcome.request.created_at});
    }
    if (verdict.decision.identity) batch.push_back(binding_of(request, made->row));
    take_allowances(verdict.decision.limits, outcome.request.created_at, batch);
    Succession succession = verdict.succession;
    if (!verdict.reuse) succession.replace = request.replaces_certificate;
    add_certificate(batch, std::move(made->row), succession, caller);
    superseded = succession.superseded.size();
  } else if (verdict.decision.action == policy::Action::deny) {
    action = "deny";
    outcome.request.state = store::RequestState::denied;
  }
  if (outcome.request.state != store::RequestState::queued) {
    outcome.request.decided_at = outcome.request.created_at;
    outcome.request.decided_by = "policy";
  }
  const HookEvent event = outcome.certificate ? HookEvent::issued
                          : outcome.request.state == store::RequestState::denied
                              ? HookEvent::denied
                              : HookEvent::queued;
  hooks.announce(event, subject_of(outcome), batch);
  batch.push_back(store::InsertRequest{outcome.request});
  batch.push_back(store::AppendAudit{audit(action, caller, request.certname,
                                           {{"rule", verdict.by},
                                            {"reason", verdict.decision.reason},
                                            {"names", outcome.request.names},
                                            {"token", outcome.request.token},
                                            {"decider", verdict.decider},
                                            {"identity", identity_note(request)}},
                                           to_hex(outcome.request.serial))});
  const auto stored = co_await commit_signed(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  hooks.wake();
  revoked(superseded);
  co_return outcome;
}

}  // namespace countersign::ca
