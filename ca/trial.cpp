#include "ca/trial.h"

#include <algorithm>

#include "ca/facts.h"
#include "ca/presented_identity.h"
#include "ca/verdict.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kPage = 128;

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

}  // namespace

ReplayOutcome Trial::outcome(const policy::RuleSet& by, const store::RequestRecord& row,
                             const std::shared_ptr<const x509::Csr>& csr, bool live,
                             std::string* reason) const {
  Examined request;
  request.csr = csr;
  request.certname = row.certname;
  request.facts = facts_of(*csr, row.source);
  if (!row.token.empty()) request.facts.token = policy::PresentedToken{row.token, "", ""};
  request.facts.identity = identity_from_json(row.identity);
  request.facts.has_live_certificate = live;
  Verdict verdict = decide(by, request, config);
  hold_reserved_name(config, verdict);
  ReplayOutcome was;
  was.action = action_then(row);
  was.rule = row.rule;
  ReplayOutcome now;
  now.action = verdict.decision.action;
  now.rule = verdict.by;
  if (reason != nullptr) *reason = verdict.decision.reason;
  // No rule then, none now: autosign would be asked as it was.
  if (was.rule == kPuppetAutosign && now.rule.empty()) return was;
  // Held then by a limit or by a name in use, which the rules alone cannot tell again.
  const bool held = row.retry_at.has_value() || !row.reuse.empty();
  if (held && was.rule == now.rule && now.action == policy::Action::sign) return was;
  // Asked then, and its word stands: what it held back or denied is no change of the rules.
  if (!verdict.decision.ask.empty() && was.rule == now.rule) return was;
  return now;
}

Result<void> Trial::decide_again(const store::RequestRecord& row, Replay& replay) const {
  ++replay.examined;
  const auto csr = x509::Csr::parse(row.csr);
  if (csr.has_error()) {
    ++replay.unreadable;
    return {};
  }
  bool live = false;
  if (rules->asks_for_live_certificate() || (in_force && in_force->asks_for_live_certificate())) {
    const auto certificates = store.certificates_of(row.certname);
    if (certificates.has_error()) return certificates.error();
    live = was_live(*certificates, row);
  }
  ReplayOutcome was;
  if (in_force) {
    was = outcome(*in_force, row, *csr, live, nullptr);
  } else {
    was.action = action_then(row);
    was.rule = row.rule;
  }
  std::string reason;
  const ReplayOutcome now = outcome(*rules, row, *csr, live, &reason);
  note(replay, row, was, now, reason);
  return {};
}

Result<void> Trial::page(Replay& replay) const {
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

std::vector<std::string> Trial::notes() const {
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

}  // namespace countersign::ca
