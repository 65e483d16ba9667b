// Requests that nobody decides leave the queue in the end.
#include "base/log.h"
#include "ca/authority.h"
#include "ca/authority_state.h"

namespace countersign::ca {
namespace {

// In one commit, five times a second: a thousand a second beside all else.
constexpr std::size_t kAtOnce = 200;

}  // namespace

void Authority::State::expire(const store::RequestRecord& request, const Caller& by, Timestamp now,
                              store::WriteBatch& batch) const {
  const std::string reason = "nobody decided it; it waited since " + to_rfc3339(request.created_at);
  batch.push_back(store::DecideRequest{.id = request.id,
                                       .state = store::RequestState::expired,
                                       .reason = reason,
                                       .decided_by = by.describe(),
                                       .at = now});
  store::RequestRecord told = request;
  told.state = store::RequestState::expired;
  told.reason = reason;
  hooks.announce(HookEvent::expired, {.request = &told, .certificate = nullptr}, batch);
  batch.push_back(store::AppendAudit{
      audit("expire", by, request.certname, {{"request", request.id}, {"reason", reason}})});
}

Result<void> Authority::State::expire_stale() {
  if (!config.queue_expire_after) return {};
  const Timestamp now = clock.now();
  const auto stale = store.stale_requests(now - *config.queue_expire_after, kAtOnce);
  if (stale.has_error()) return stale.error();
  if (stale->empty()) return {};
  const Caller self{.role = Role::operator_, .name = "service", .source = "", .request_id = ""};
  store::WriteBatch together;
  for (const auto& request : *stale) expire(request, self, now, together);
  const auto done = committer.commit_blocking(std::move(together));
  hooks.wake();
  if (done.has_value()) {
    log::info("requests_expired", {{"requests", stale->size()}});
    return {};
  }
  if (done.error().code != Code::conflict) return done.error();
  // One of them was decided this moment: then each for itself.
  for (const auto& request : *stale) {
    store::WriteBatch alone;
    expire(request, self, now, alone);
    const auto one = committer.commit_blocking(std::move(alone));
    if (one.has_error() && one.error().code != Code::conflict) return one.error();
  }
  return {};
}

}  // namespace countersign::ca
