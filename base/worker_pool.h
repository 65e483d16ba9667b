// Threads for work that costs much processor time or blocks for a short while: slow signatures,
// pages of the store.
#ifndef COUNTERSIGN_BASE_WORKER_POOL_H_
#define COUNTERSIGN_BASE_WORKER_POOL_H_

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/work_line.h"

namespace countersign {

// Thread-safe. The destructor finishes what runs and what waits.
class WorkerPool {
 public:
  // At most `limit` pieces of work wait or run at a time; more are refused at once. So is, in the
  // lane `begins`, what would have to wait for half of `patience`: an early word costs little, and
  // the client can act on it. What has waited for all of `patience` when its turn comes is refused
  // as well: under overload a late answer is one that nobody waits for any more, and the work for
  // it would make all others late.
  WorkerPool(std::size_t threads, std::size_t limit,
             std::chrono::milliseconds patience = std::chrono::hours(24));
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `work`, which returns a Result<T>, on a thread of the pool and resumes the caller on the
  // caller's own executor. Code::overloaded if the pool is full or the work was not begun in time.
  template <class Work>
  auto run(Work work, Lane lane = Lane::goes_on) -> boost::asio::awaitable<decltype(work())> {
    namespace net = boost::asio;
    const Place place(in_use_, limit_);
    if (!place.granted() || !has_time_for(lane)) {
      co_return fail(Code::overloaded, "The service has more work than it can take. Try again.");
    }
    std::optional<decltype(work())> outcome;
    auto initiate = [&](auto handler) {
      using Kind = PieceOf<Work, decltype(work()), decltype(handler)>;
      push(lane, std::make_unique<Kind>(work, outcome, std::move(handler)));
    };
    co_await net::async_initiate<const net::use_awaitable_t<>, void(std::exception_ptr)>(
        std::move(initiate), net::use_awaitable);
    co_return std::move(*outcome);
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

  struct Piece {
    virtual ~Piece() = default;
    virtual void run(bool late) = 0;
  };

  // `work` and `outcome` are in the frame of the coroutine that waits, which the handler owns.
  template <class Work, class Outcome, class Handler>
  struct PieceOf : Piece {
    PieceOf(Work& to_run, std::optional<Outcome>& result, Handler when_done)
        : work(to_run),
          outcome(result),
          handler(std::move(when_done)),
          executor(boost::asio::make_work_guard(boost::asio::get_associated_executor(handler))) {}
    void run(bool late) override {
      std::exception_ptr thrown;
      try {
        if (late) {
          outcome.emplace(
              fail(Code::overloaded, "The service is behind with its work. Try again."));
        } else {
          outcome.emplace(work());
        }
      } catch (...) {
        thrown = std::current_exception();
      }
      auto resume = [done = std::move(handler), error = std::move(thrown)]() mutable {
        std::move(done)(std::move(error));
      };
      boost::asio::post(executor.get_executor(), std::move(resume));
    }
    Work& work;
    std::optional<Outcome>& outcome;
    Handler handler;
    // Keeps the loop of the caller going while nothing else does.
    decltype(boost::asio::make_work_guard(
        boost::asio::get_associated_executor(std::declval<Handler&>()))) executor;
  };

  bool has_time_for(Lane lane);
  void push(Lane lane, std::unique_ptr<Piece> piece);
  void work_off();

  const std::size_t limit_;
  const std::chrono::milliseconds patience_;
  const std::shared_ptr<std::atomic<std::size_t>> in_use_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::mutex mutex_;  // guards the next two
  WorkLine<std::unique_ptr<Piece>> line_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::vector<std::jthread> threads_;
};

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_WORKER_POOL_H_
