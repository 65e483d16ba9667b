// Stored requests decided again by another policy: what a change of the rules would have changed.
#include <algorithm>

#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/facts.h"
#include "ca/presented_identity.h"
#include "ca/request_id.h"

namespace countersign::ca {
namespace {

// A page is one piece of work on the pool, a few milliseconds: enrolments go in between.
constexpr std::size_t kPage = 128;
// A call ends after so many and is continued, so that no answer takes long.
constexpr std::size_t kMostACall = 10'000;

// The text comes from a client. Of the machine's files it may use the lists that the policy in
// force uses, and no other: it would be a way to ask what any file holds.
class ListsInForce final : public FileSystem {
 public:
  explicit ListsInForce(std::vector<std::filesystem::path> lists) : lists_(std::move(lists)) {}
  Result<std::string> read(const std::filesystem::path& path, std::size_t limit) const override {
    if (std::ranges::find(lists_, path) == lists_.end()) {
      return fail(Code::not_found,
                  "the list '" + path.filename().string() +
                      "' is none that the policy in force uses, and a replay reads no other file");
    }
    return system_files().read(path, limit);
  }
  Result<void> write(const std::filesystem::path&, std::string_view, mode_t) const override {
    return fail(Code::unavailable, "a replay writes nothing");
  }

 private:
  const std::vector<std::filesystem::path> lists_;
};

// What policy said when the request came: a person decides only what policy had queued.
policy::Action action_then(const store::RequestRecord& row) {
  if (row.decided_by != "policy") return policy::Action::queue;
  return row.state == store::RequestState::signed_  ? policy::Action::sign
         : row.state == store::RequestState::denied ? policy::Action::deny
                                                    : policy::Action::queue;
}

// As near as the rows tell: a certificate of the name, issued before, that was then neither expired
// nor revoked.
bool was_live(const std::vector<store::CertificateRecord>& certificates,
              const store::RequestRecord& row) {
  return std::ranges::any_of(certificates, [&](const store::CertificateRecord& certificate) {
    return certificate.serial != row.serial && certificate.issued_at <= row.created_at &&
           certificate.not_after > row.created_at &&
           (!certificate.revocation || certificate.revocation->at > row.created_at);
  });
}

void note(Replay& replay, const store::RequestRecord& row, const ReplayOutcome& was,
          const ReplayOutcome& now, const std::string& reason) {
  if (was == now) return;
  if (was.action != now.action) ++replay.changed;
  auto group = std::ranges::find_if(
      replay.groups, [&](const ReplayGroup& one) { return one.was == was && one.now == now; });
  if (group == replay.groups.end()) {
    if (replay.groups.size() == Replay::kMostGroups) {
      ++replay.left_out;
      return;
    }
    ReplayGroup fresh;
    fresh.was = was;
    fresh.now = now;
    fresh.reason = reason;
    replay.groups.push_back(std::move(fresh));
    group = replay.groups.end() - 1;
  }
  ++group->requests;
  if (group->names.size() < ReplayGroup::kMost) group->names.push_back(row.certname);
}

// A policy, and what it is held against.
struct Trial {
  const AuthorityConfig& config;
  const store::Store& store;
  std::shared_ptr<const policy::RuleSet> rules;

  Result<void> decide_again(const store::RequestRecord& row, Replay& replay) const {
    ++replay.examined;
    const auto csr = x509::Csr::parse(row.csr);
    if (csr.has_error()) {
      ++replay.unreadable;
      return {};
    }
    Examined request;
    request.csr = *csr;
    request.certname = row.certname;
    request.facts = facts_of(**csr, row.source);
    if (!row.token.empty()) request.facts.token = policy::PresentedToken{row.token, "", ""};
    request.facts.identity = identity_from_json(row.identity);
    if (rules->asks_for_live_certificate()) {
      const auto certificates = store.certificates_of(row.certname);
      if (certificates.has_error()) return certificates.error();
      request.facts.has_live_certificate = was_live(*certificates, row);
    }
    Verdict verdict = decide(*rules, request, config);
    hold_reserved_name(config, verdict);
    ReplayOutcome was;
    was.action = action_then(row);
    was.rule = row.rule;
    ReplayOutcome now;
    now.action = verdict.decision.action;
    now.rule = verdict.by;
    // No rule then, none now: autosign would be asked as it was.
    if (was.rule == kPuppetAutosign && now.rule.empty()) now = was;
    // Held then by a limit or by a name in use, which the rules alone cannot tell again.
    const bool held = row.retry_at.has_value() || !row.reuse.empty();
    if (held && was.rule == now.rule && now.action == policy::Action::sign) now = was;
    // Asked then, and its word stands: what it held back or denied is no change of the rules.
    if (!verdict.decision.ask.empty() && was.rule == now.rule) now = was;
    note(replay, row, was, now, verdict.decision.reason);
    return {};
  }

  // Goes on behind replay.next; "" there afterwards if this was the last page.
  Result<void> page(Replay& replay) const {
    store::RequestQuery query;
    query.after = replay.next;
    query.limit = kPage;
    const auto rows = store.requests(query);
    if (rows.has_error()) return rows.error();
    for (const store::RequestRecord& row : rows->rows) {
      const auto decided = decide_again(row, replay);
      if (decided.has_error()) return decided.error();
    }
    replay.next = rows->next;
    return {};
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> list = {
        "What was refused before any rule, and the repeated tries of a denied machine, are not "
        "stored and so not decided again.",
        "An enrolment token counts as good where it was used up then, and nowhere else.",
        "Limits and names in use are not weighed again: what its rule held back for one of them "
        "counts as unchanged if the same rule would sign it, and of other requests the rule's word "
        "is shown, though a limit or reuse may hold or refuse them."};
    if (rules->asks_for_live_certificate()) {
      list.emplace_back(
          "live_certificate is taken from the dates of the certificates that are stored; when a "
          "name was cleaned is not known, and a certificate that was cleaned without a revocation "
          "counts as live.");
    }
    if (!config.deciders.empty()) {
      list.emplace_back(
          "Deciders are not asked again: what was decided stands where the same rule, with 'ask', "
          "matches; of other requests the rule's word is shown, as if its decider agreed.");
    }
    if (config.puppet.autosign != PuppetSettings::Autosign::unset) {
      list.emplace_back(
          "Puppet's autosign is not asked again: what it decided stands if the new policy has no "
          "rule for it, and for what a rule decided before the default of the new policy is "
          "shown.");
    }
    return list;
  }
};

Result<std::shared_ptr<const policy::RuleSet>> read_policy(const AuthorityConfig& config,
                                                           const policy::RuleSet& in_force,
                                                           const std::string& text) {
  const ListsInForce files(in_force.files());
  policy::LoadContext context;
  context.files = &files;
  for (const auto& [name, profile] : config.profiles) {
    if (name != "agent") context.profiles.push_back(name);
  }
  for (const auto& [name, decider] : config.deciders) context.deciders.push_back(name);
  return policy::RuleSet::parse(text, config.policy_file.parent_path() / "new-policy", context);
}

// One at a time, however it ends.
class OneReplay {
 public:
  explicit OneReplay(std::shared_ptr<std::atomic<bool>> running)
      : running_(std::move(running)), granted_(!running_->exchange(true)) {}
  ~OneReplay() {
    if (granted_) running_->store(false);
  }
  OneReplay(const OneReplay&) = delete;
  OneReplay& operator=(const OneReplay&) = delete;
  bool granted() const { return granted_; }

 private:
  const std::shared_ptr<std::atomic<bool>> running_;
  const bool granted_;
};

}  // namespace

Task<Result<Replay>> Authority::replay(ReplayOrder order, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::replay, caller);
  if (permitted.has_error()) co_return permitted.error();
  const OneReplay place(state.replaying);
  if (!place.granted()) {
    co_return fail(Code::overloaded, "Another replay runs. Try again when it has ended.");
  }
  auto rules = co_await state.pool.run(
      [&] { return read_policy(state.config, *state.policy.current(), order.policy); });
  if (rules.has_error()) co_return rules.error();
  const Trial trial{state.config, state.store, std::move(*rules)};
  Replay replay;
  replay.next = order.after.empty() ? first_request_id(order.since) : order.after;
  do {
    const auto done = co_await state.pool.run([&] { return trial.page(replay); });
    if (done.has_error()) co_return done.error();
  } while (!replay.next.empty() && replay.examined < kMostACall && !state.stopping.load());
  replay.notes = trial.notes();
  co_return replay;
}

}  // namespace countersign::ca
