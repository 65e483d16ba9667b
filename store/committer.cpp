#include "store/committer.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"

namespace countersign::store {
namespace {

constexpr std::size_t kGroup = 256;
constexpr auto kReopenPause = std::chrono::milliseconds(500);

using Done = std::function<void(Result<void>)>;

}  // namespace

struct Committer::Queue {
  struct Item {
    WriteBatch batch;
    Done done;
  };

  Queue(Store& engine, std::size_t bound, std::chrono::milliseconds longest)
      : store(engine), limit(bound), longest_round(longest) {}

  // False if the queue is full; `done` is then not called.
  bool push(WriteBatch batch, Done done) {
    const std::lock_guard lock(mutex);
    if (waiting.size() >= limit || stopping) return false;
    waiting.push_back({std::move(batch), std::move(done)});
    // The others find it awake, or waiting for the end of the round.
    if (waiting.size() == 1) changed.notify_one();
    return true;
  }

  // Has the next group wait for end_round(), if nobody did already.
  bool begin_round() {
    const std::lock_guard lock(mutex);
    if (std::exchange(in_round, true)) return false;
    round_end = std::chrono::steady_clock::now() + longest_round;
    return true;
  }
  void end_round() {
    {
      const std::lock_guard lock(mutex);
      in_round = false;
    }
    changed.notify_one();
  }

  void run() {
    std::vector<Item> group;
    while (take(group)) {
      if (group.empty()) {
        recover();
        continue;
      }
      std::vector<WriteBatch> batches;
      batches.reserve(group.size());
      for (Item& item : group) batches.push_back(std::move(item.batch));
      auto results = apply(batches);
      commits.fetch_add(1);
      for (std::size_t i = 0; i < group.size(); ++i) group[i].done(std::move(results[i]));
      group.clear();
    }
  }

 private:
  // All that waits at the end of the round, up to the bound of a group. Nothing after a pause while
  // unhealthy: an unhealthy service gets no traffic, so a write to try again with may never come.
  // False when stopping and nothing is left.
  bool take(std::vector<Item>& group) {
    std::unique_lock lock(mutex);
    const auto ready = [this] { return stopping || !waiting.empty(); };
    if (healthy.load()) {
      changed.wait(lock, ready);
    } else {
      changed.wait_for(lock, kReopenPause, ready);
    }
    changed.wait_until(lock, round_end, [this] { return stopping || !in_round; });
    in_round = false;
    const std::size_t count = std::min(waiting.size(), kGroup);
    for (std::size_t i = 0; i < count; ++i) {
      group.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
    return count > 0 || !stopping;
  }

  std::vector<Result<void>> apply(const std::vector<WriteBatch>& batches) {
    if (!healthy.load()) recover();
    if (!healthy.load()) {
      return std::vector<Result<void>>(
          batches.size(),
          Result<void>(fail(Code::unavailable, "The store cannot be written now.")));
    }
    auto results = store.apply(batches);
    const bool broken = std::ranges::all_of(results, [](const Result<void>& result) {
      return result.has_error() && result.error().code == Code::unavailable;
    });
    if (broken) {
      note(results.front().error());
      healthy.store(false);
      log::error("store_failed", {{"error", results.front().error().detail},
                                  {"cause", results.front().error().cause}});
    }
    return results;
  }

  // Not more than one try in a while, so that a dead disk does not eat the processor.
  void recover() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_try < kReopenPause) return;
    last_try = now;
    const auto opened = store.reopen();
    if (opened.has_error()) {
      note(opened.error());
      log::error("store_reopen_failed",
                 {{"error", opened.error().detail}, {"cause", opened.error().cause}});
      return;
    }
    healthy.store(true);
    log::info("store_reopened");
  }

  void note(const Error& error) {
    const std::lock_guard lock(mutex);
    problem = error.cause.empty() ? error.detail : error.cause;
  }

 public:
  Store& store;
  const std::size_t limit;
  const std::chrono::milliseconds longest_round;
  std::atomic<bool> healthy{true};
  std::atomic<std::uint64_t> commits{0};
  std::mutex mutex;  // guards what follows, but for last_try and writer
  std::condition_variable changed;
  std::deque<Item> waiting;
  bool stopping = false;
  bool in_round = false;
  std::chrono::steady_clock::time_point round_end;
  std::string problem;
  std::chrono::steady_clock::time_point last_try;  // writer thread only
  std::thread writer;
};

Committer::Committer(Store& store, std::size_t limit, std::chrono::milliseconds longest_round)
    : queue_(std::make_shared<Queue>(store, limit, longest_round)) {
  queue_->writer = std::thread([queue = queue_.get()] { queue->run(); });
}

Committer::~Committer() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->stopping = true;
  }
  queue_->changed.notify_one();
  queue_->writer.join();
}

boost::asio::awaitable<Result<void>> Committer::commit(WriteBatch batch, Round round) {
  namespace net = boost::asio;
  auto initiate = [this, &batch, round](auto handler) {
    // Shared, because std::function copies and a handler can only be moved.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    const auto executor = net::get_associated_executor(*shared);
    auto work = net::make_work_guard(executor);
    Done done = [shared, work](Result<void> result) mutable {
      net::post(work.get_executor(), [shared, result = std::move(result)]() mutable {
        std::move (*shared)(std::move(result));
      });
      work.reset();
    };
    if (queue_->begin_round() && round == Round::of_loop) {
      // Behind all that the caller's loop has found ready.
      net::post(executor, [queue = queue_] { queue->end_round(); });
    }
    if (!queue_->push(std::move(batch), done)) {
      done(fail(Code::overloaded, "Too many writes wait. Try again."));
    }
  };
  co_return co_await net::async_initiate<const net::use_awaitable_t<>, void(Result<void>)>(
      std::move(initiate), net::use_awaitable);
}

Result<void> Committer::commit_blocking(WriteBatch batch) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  const bool taken = queue_->push(
      std::move(batch), [promise](Result<void> result) { promise->set_value(std::move(result)); });
  if (!taken) return fail(Code::overloaded, "Too many writes wait. Try again.");
  return future.get();
}

bool Committer::healthy() const { return queue_->healthy.load(); }
std::string Committer::problem() const {
  if (healthy()) return "";
  const std::lock_guard lock(queue_->mutex);
  return queue_->problem;
}
std::uint64_t Committer::commits() const { return queue_->commits.load(); }

}  // namespace countersign::store
