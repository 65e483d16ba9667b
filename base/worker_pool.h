// Threads for work that costs processor time or blocks for a short while: parsing, signatures,
// reads of the store. The I/O threads never do such work themselves.
#ifndef COUNTERSIGN_BASE_WORKER_POOL_H_
#define COUNTERSIGN_BASE_WORKER_POOL_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/result.h"

namespace countersign {

// Thread-safe. The destructor finishes what runs.
class WorkerPool {
 public:
  // At most `limit` pieces of work wait or run at a time; more are refused at once. What has waited
  // for `patience` when its turn comes is refused as well: under overload a late answer is one that
  // nobody waits for any more, and the work for it would make all others late.
  WorkerPool(std::size_t threads, std::size_t limit,
             std::chrono::milliseconds patience = std::chrono::hours(24))
      : pool_(threads), limit_(limit), patience_(patience) {}
  ~WorkerPool() { pool_.join(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `work`, which returns a Result<T>, on a thread of the pool and resumes the caller on the
  // caller's own executor. Code::overloaded if the pool is full or the work was not begun in time.
  template <class Work>
  auto run(Work work) -> boost::asio::awaitable<decltype(work())> {
    const Place place(in_use_, limit_);
    if (!place.granted()) {
      co_return fail(Code::overloaded, "The service has more work than it can take. Try again.");
    }
    const auto late = std::chrono::steady_clock::now() + patience_;
    // Spawned, not posted: after a plain post the coroutine would resume on the caller's thread.
    co_return co_await boost::asio::co_spawn(
        pool_,
        [&work, late]() -> boost::asio::awaitable<decltype(work())> {
          if (std::chrono::steady_clock::now() > late) {
            co_return fail(Code::overloaded, "The service is behind with its work. Try again.");
          }
          co_return work();
        },
        boost::asio::use_awaitable);
  }

  std::size_t in_use() const { return in_use_->load(std::memory_order_relaxed); }

 private:
  class Place {
   public:
    Place(std::shared_ptr<std::atomic<std::size_t>> in_use, std::size_t limit)
        : in_use_(std::move(in_use)),
          granted_(in_use_->fetch_add(1, std::memory_order_relaxed) < limit) {}
    ~Place() { in_use_->fetch_sub(1, std::memory_order_relaxed); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    bool granted() const { return granted_; }

   private:
    // Shared: a coroutine that waits when its io_context is destroyed may outlive the pool.
    std::shared_ptr<std::atomic<std::size_t>> in_use_;
    bool granted_;
  };

  boost::asio::thread_pool pool_;
  std::size_t limit_;
  const std::chrono::milliseconds patience_;
  const std::shared_ptr<std::atomic<std::size_t>> in_use_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_WORKER_POOL_H_
