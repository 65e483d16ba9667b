#include "api/http/session_threads.h"

namespace countersign::api {

namespace {

// Between two probes. A thread with nothing to do is not woken often; one that is late must notice
// soon that it is not any more.
constexpr auto kCalmPause = std::chrono::milliseconds(100);
constexpr auto kBusyPause = std::chrono::milliseconds(10);

}  // namespace

SessionThreads::Loop::Loop() { probe(); }

// As it always waits for the next one, it keeps the loop going too.
void SessionThreads::Loop::probe() {
  const auto now = std::chrono::steady_clock::now();
  const bool calm = lateness_.at(now) < kBusyPause;
  lateness_.due(now + (calm ? kCalmPause : kBusyPause));
  timer_.expires_at(lateness_.due());
  timer_.async_wait([this](const boost::system::error_code&) {
    lateness_.ran(std::chrono::steady_clock::now());
    probe();
  });
}

SessionThreads::SessionThreads(std::size_t count) : loops_(count) {
  for (Loop& loop : loops_) {
    loop.thread_ = std::jthread([&context = loop.context_] { context.run(); });
  }
}

SessionThreads::~SessionThreads() { stop(); }

SessionThreads::Loop& SessionThreads::next() {
  const std::size_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
  return loops_[turn % loops_.size()];
}

void SessionThreads::stop() {
  for (Loop& loop : loops_) loop.context_.stop();
  for (Loop& loop : loops_) {
    if (loop.thread_.joinable()) loop.thread_.join();
  }
}

}  // namespace countersign::api
