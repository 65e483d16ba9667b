// The policy file taken into force, and the guard that looks first at what it would change.
#include "base/log.h"
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/request_id.h"
#include "ca/trial.h"

namespace countersign::ca {
namespace {

constexpr auto kDay = std::chrono::hours(24);
// At some ten thousand a second this is the longest that the housekeeping thread is busy with it.
constexpr std::size_t kMostJudged = 100'000;
// Of a handful of requests no share says anything.
constexpr std::size_t kFewestChanged = 10;

std::string outcome_text(const ReplayOutcome& outcome) {
  return std::string(policy::to_string(outcome.action)) +
         (outcome.rule.empty() ? " by the default" : " by '" + outcome.rule + "'");
}

// The group with the most requests whose action changes; null if there is none.
const ReplayGroup* largest(const Replay& change) {
  const ReplayGroup* most = nullptr;
  for (const ReplayGroup& group : change.groups) {
    if (group.was.action == group.now.action) continue;
    if (most == nullptr || group.requests > most->requests) most = &group;
  }
  return most;
}

std::string refusal_of(const Replay& change, int percent) {
  std::string text = "The new policy would decide " + std::to_string(change.changed) + " of the " +
                     std::to_string(change.examined) +
                     " requests of the last day otherwise than the one in force, which is more "
                     "than [policy] refuse_change_over = " +
                     std::to_string(percent) + "%. The old one stays.";
  if (const ReplayGroup* group = largest(change)) {
    text += " Most of them: " + outcome_text(group->was) + " becomes " + outcome_text(group->now) +
            " (" + std::to_string(group->requests) + ").";
  }
  text += " `countersign policy replay` shows all; `countersign policy reload --force` takes it.";
  return text;
}

bool too_much(const Replay& change, int percent) {
  return change.changed >= kFewestChanged &&
         change.changed * 100 > static_cast<std::size_t>(percent) * change.examined;
}

}  // namespace

void Authority::State::guard_policy() {
  if (!config.policy_guard_percent) return;
  policy.guard_by([this](std::shared_ptr<const policy::RuleSet> in_force,
                         std::shared_ptr<const policy::RuleSet> fresh) -> Result<PolicyReload> {
    const Trial trial{config, store, std::move(fresh), std::move(in_force)};
    PolicyReload judged;
    Replay& change = judged.change;
    change.next = first_request_id(clock.now() - kDay);
    do {
      const auto done = trial.page(change);
      if (done.has_error()) return done.error();
      // A revocation must not wait for this.
      const auto published = publish_if_due();
      if (published.has_error()) {
        log::error("crl_not_published", {{"error", published.error().detail}});
      }
    } while (!change.next.empty() && change.examined < kMostJudged && !stopping.load());
    if (too_much(change, *config.policy_guard_percent)) {
      judged.refusal = refusal_of(change, *config.policy_guard_percent);
    }
    return judged;
  });
}

Result<void> Authority::reload_policy() { return state_->policy.reload(); }

void Authority::request_reload() { state_->reload_wanted.store(true); }

Task<Result<PolicyReload>> Authority::reload_policy(ReloadOrder order, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::reload_policy, caller);
  if (permitted.has_error()) co_return permitted.error();
  auto done = co_await state.housekeeping.run([&] { return state.policy.load(order); });
  if (done.has_error()) co_return done.error();
  auto row = state.audit("reload policy", caller, "",
                         {{"taken", done->refusal.empty() ? "yes" : "no"},
                          {"forced", done->forced ? "yes" : "no"},
                          {"sha256", done->digest},
                          {"rules", std::to_string(done->rules)},
                          {"requests", std::to_string(done->change.examined)},
                          {"changed", std::to_string(done->change.changed)}});
  store::WriteBatch batch;
  batch.push_back(store::AppendAudit{std::move(row)});
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  co_return done;
}

}  // namespace countersign::ca
