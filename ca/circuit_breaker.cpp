#include "ca/circuit_breaker.h"

#include <algorithm>

namespace countersign::ca {

bool CircuitBreaker::admit(Time now) {
  const std::lock_guard lock(mutex_);
  if (in_a_row_ < failures_) return true;
  if (now < until_ || trying_) return false;
  trying_ = true;
  return true;
}

void CircuitBreaker::succeeded() {
  const std::lock_guard lock(mutex_);
  in_a_row_ = 0;
  trying_ = false;
}

void CircuitBreaker::failed(Time now) {
  const std::lock_guard lock(mutex_);
  in_a_row_ = std::min(in_a_row_ + 1, failures_);
  trying_ = false;
  if (in_a_row_ == failures_) until_ = now + pause_;
}

bool CircuitBreaker::open() const {
  const std::lock_guard lock(mutex_);
  return in_a_row_ >= failures_;
}

}  // namespace countersign::ca
