#include "ca/limits.h"

#include "ca/verdict.h"

namespace countersign::ca {

Result<std::vector<LimitUse>> uses_of(const store::Store& store,
                                      const std::vector<policy::Limit>& limits, Timestamp now) {
  std::vector<LimitUse> uses;
  for (const policy::Limit& limit : limits) {
    auto stored = store.allowance(limit.key);
    if (stored.has_error()) return stored.error();
    const bool put_back = store::ahead(*stored, now, limit.period);
    const store::Allowance left = store::at_time(std::move(*stored), now, limit.period);
    uses.push_back({.limit = limit,
                    .used = store::used(left),
                    .free_at = store::free_at(left, limit.most, limit.period),
                    .clock_put_back = put_back});
  }
  return uses;
}

void hold_over_limit(const std::vector<LimitUse>& uses, Verdict& verdict) {
  if (verdict.decision.action != policy::Action::sign) return;
  const LimitUse* last = nullptr;  // to have room again
  for (const LimitUse& use : uses) {
    verdict.clock_put_back = verdict.clock_put_back || use.clock_put_back;
    if (use.free_at && (last == nullptr || *use.free_at > *last->free_at)) last = &use;
  }
  if (last == nullptr) return;
  // What is told is in whole seconds, and must not be too early.
  verdict.retry_at = std::chrono::ceil<std::chrono::seconds>(*last->free_at);
  hold(verdict, "over the limit " + last->limit.text + " of rule '" + verdict.decision.rule +
                    "'; asked again from " + to_rfc3339(*verdict.retry_at) +
                    " on, it may be signed");
  note(verdict, "over the limit " + last->limit.text);
}

void take_allowances(const std::vector<policy::Limit>& limits, Timestamp now,
                     store::WriteBatch& batch) {
  for (const policy::Limit& limit : limits) {
    batch.push_back(store::TakeAllowance{limit.key, now, limit.most, limit.period});
  }
}

store::WriteBatch settle_allowances(const std::vector<policy::Limit>& limits, Timestamp now) {
  store::WriteBatch batch;
  for (const policy::Limit& limit : limits) {
    batch.push_back(store::SettleAllowance{limit.key, now, limit.period});
  }
  return batch;
}

}  // namespace countersign::ca
