// The audit as it grows: a read that waits.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "ca/authority.h"
#include "ca/authority_state.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kMostWatchers = 64;
constexpr std::chrono::milliseconds kLongestWait = std::chrono::seconds(30);
// How often a watcher looks whether anything was committed: at a number in memory, not at the
// store.
constexpr auto kLook = std::chrono::milliseconds(200);

class Place {
 public:
  explicit Place(std::shared_ptr<std::atomic<std::size_t>> watchers)
      : watchers_(std::move(watchers)), granted_(watchers_->fetch_add(1) < kMostWatchers) {}
  ~Place() { watchers_->fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool granted() const { return granted_; }

 private:
  // Shared: a coroutine that waits when its io_context is destroyed may outlive the authority.
  const std::shared_ptr<std::atomic<std::size_t>> watchers_;
  const bool granted_;
};

}  // namespace

Task<Result<store::AuditPage>> Authority::watch_audit(store::AuditQuery query,
                                                      std::chrono::milliseconds wait,
                                                      Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::read_all, caller);
  if (permitted.has_error()) co_return permitted.error();
  const Place place(state.watchers);
  if (!place.granted()) {
    co_return fail(Code::overloaded, "64 callers watch already. Try again, or ask without wait.");
  }
  query.newest_first = false;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  const auto end = std::chrono::steady_clock::now() + std::min(wait, kLongestWait);
  for (;;) {
    // Before the read: what is committed after it counts as new.
    const std::uint64_t commits = state.committer.commits();
    bool more = false;  // was not looked at yet
    auto page = co_await state.pool.run([&]() -> Result<store::AuditPage> {
      store::AuditQuery newest;
      newest.newest_first = true;
      newest.limit = 1;
      const auto last = state.store.audit_rows(newest);
      if (last.has_error()) return last.error();
      auto found = state.audit_in_scope(query, caller);
      if (found.has_error()) return found;
      more = found->next != 0;
      // What was looked at need not be looked at again.
      if (found->next == 0) {
        const std::int64_t reached = last->rows.empty() ? 0 : last->rows.front().sequence;
        const std::int64_t shown = found->rows.empty() ? 0 : found->rows.back().sequence;
        found->next = std::max({query.after, reached, shown});
      }
      return found;
    });
    if (page.has_error()) co_return page.error();
    query.after = page->next;
    const bool over = std::chrono::steady_clock::now() >= end || state.stopping.load();
    if (!page->rows.empty() || over) co_return page;
    while (!more && state.committer.commits() == commits &&
           std::chrono::steady_clock::now() < end && !state.stopping.load()) {
      timer.expires_after(kLook);
      co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
  }
}

}  // namespace countersign::ca
