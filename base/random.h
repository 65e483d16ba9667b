// Randomness that can be replaced in tests.
#ifndef COUNTERSIGN_BASE_RANDOM_H_
#define COUNTERSIGN_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace countersign {

// Thread-safe. Unpredictable unless it is a test's.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) const = 0;

  Bytes bytes(std::size_t count) const {
    Bytes out(count);
    fill(out);
    return out;
  }
};

// getrandom(2), some hundred octets at a time for a thread that asks for few. Throws
// std::system_error if the kernel refuses, which it does not after boot. Not for use after fork(2)
// in the child.
const Random& system_random();

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_RANDOM_H_
