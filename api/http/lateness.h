// How late an event loop is.
#ifndef COUNTERSIGN_API_HTTP_LATENESS_H_
#define COUNTERSIGN_API_HTTP_LATENESS_H_

#include <algorithm>
#include <chrono>

namespace countersign::api {

// Told of a probe that waits in the loop behind all that is ready, as each connection does: how
// long the probe waits is how long they do. For the loop's own thread.
class Lateness {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::steady_clock::duration;

  void due(Time at) { due_ = at; }  // when the next probe runs if nobody is before it
  Time due() const { return due_; }
  void ran(Time now) { last_ = now - due_; }

  // As the last probe found it, or longer if the next one is overdue by more.
  Span at(Time now) const { return std::max(last_, now > due_ ? now - due_ : Span(0)); }

 private:
  Time due_ = Time::max();  // before the first one nothing is late
  Span last_{0};
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_LATENESS_H_
