// The threads that connections live on.
#ifndef COUNTERSIGN_API_HTTP_SESSION_THREADS_H_
#define COUNTERSIGN_API_HTTP_SESSION_THREADS_H_

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <thread>

#include "api/http/lateness.h"

namespace countersign::api {

// An event loop a thread: a connection stays on the one that it began on, so that it needs no lock
// of its own and threads do not wait for each other's queue. next() is thread-safe.
class SessionThreads {
 public:
  explicit SessionThreads(std::size_t count);
  ~SessionThreads();  // what still waits on them is dropped
  SessionThreads(const SessionThreads&) = delete;
  SessionThreads& operator=(const SessionThreads&) = delete;

  class Loop {
   public:
    Loop();
    boost::asio::io_context::executor_type executor() { return context_.get_executor(); }
    // How long what is ready waits for its turn. For the loop's own thread.
    Lateness::Span late() const { return lateness_.at(std::chrono::steady_clock::now()); }

   private:
    friend class SessionThreads;
    void probe();

    boost::asio::io_context context_{1};
    // Its timer wakes the loop through the same list of ready descriptors as the connections do.
    boost::asio::steady_timer timer_{context_};
    Lateness lateness_;
    std::jthread thread_;
  };

  // Where the next connection shall live: one after the other.
  Loop& next();
  // Ends the threads. What waits stays until the destructor, so that whoever could still resume it
  // may go first.
  void stop();

 private:
  std::deque<Loop> loops_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_SESSION_THREADS_H_
