#include "api/http/session_threads.h"

namespace countersign::api {

SessionThreads::SessionThreads(std::size_t count) : loops_(count) {
  for (Loop& loop : loops_) {
    loop.thread = std::jthread([&context = loop.context] { context.run(); });
  }
}

SessionThreads::~SessionThreads() { stop(); }

boost::asio::io_context::executor_type SessionThreads::next() {
  const std::size_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
  return loops_[turn % loops_.size()].context.get_executor();
}

void SessionThreads::stop() {
  for (Loop& loop : loops_) loop.context.stop();
  for (Loop& loop : loops_) {
    if (loop.thread.joinable()) loop.thread.join();
  }
}

}  // namespace countersign::api
