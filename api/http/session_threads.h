// The threads that connections live on.
#ifndef COUNTERSIGN_API_HTTP_SESSION_THREADS_H_
#define COUNTERSIGN_API_HTTP_SESSION_THREADS_H_

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <deque>
#include <thread>

namespace countersign::api {

// An event loop a thread: a connection stays on the one that it began on, so that it needs no lock
// of its own and threads do not wait for each other's queue. next() is thread-safe.
class SessionThreads {
 public:
  explicit SessionThreads(std::size_t count);
  ~SessionThreads();  // what still waits on them is dropped
  SessionThreads(const SessionThreads&) = delete;
  SessionThreads& operator=(const SessionThreads&) = delete;

  // Where the next connection shall live: one after the other.
  boost::asio::io_context::executor_type next();
  // Ends the threads. What waits stays until the destructor, so that whoever could still resume it
  // may go first.
  void stop();

 private:
  struct Loop {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work =
        boost::asio::make_work_guard(context);
    std::jthread thread;
  };
  std::deque<Loop> loops_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_SESSION_THREADS_H_
