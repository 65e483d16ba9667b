// Leaves a service alone that fails again and again, and tries it now and then.
#ifndef COUNTERSIGN_CA_CIRCUIT_BREAKER_H_
#define COUNTERSIGN_CA_CIRCUIT_BREAKER_H_

#include <chrono>
#include <mutex>

namespace countersign::ca {

// Closed: everybody may go on. After `failures` in a row it is open: nobody may for `pause`; then
// one may try (half open), and what comes of it closes or opens it again. Thread-safe.
class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  CircuitBreaker(int failures, std::chrono::milliseconds pause)
      : failures_(failures), pause_(pause) {}

  // Who gets a yes reports what came of it, by one of the two below.
  bool admit(Time now);
  void succeeded();
  void failed(Time now);
  bool open() const;  // or half open

 private:
  const int failures_;
  const std::chrono::milliseconds pause_;
  mutable std::mutex mutex_;  // guards the rest
  int in_a_row_ = 0;
  bool trying_ = false;  // half open, and one is on the way
  Time until_{};
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CIRCUIT_BREAKER_H_
