// A person's no.
#include "ca/authority.h"
#include "ca/authority_state.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kLongestReason = 1024;

}  // namespace

Task<Result<store::RequestRecord>> Authority::deny(std::string request_id, std::string reason,
                                                   Caller caller) {
  State& state = *state_;
  auto row = co_await state.guarded(Action::decide, caller, [&]() -> Result<store::RequestRecord> {
    if (reason.empty() || reason.size() > kLongestReason) {
      return fail(Code::malformed, "A denial needs a reason of at most 1024 bytes.");
    }
    return state.waiting_request(request_id, caller);
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
                                       .at = *row->decided_at});
  batch.push_back(store::AppendAudit{
      state.audit("deny", caller, row->certname, {{"request", row->id}, {"reason", reason}})});
  const HookSubject told{.request = &*row, .certificate = nullptr};
  state.hooks.announce(HookEvent::denied, told, batch);
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  state.hooks.wake();
  co_return row;
}

}  // namespace countersign::ca
