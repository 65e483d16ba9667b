// What was used of a limit of so many certificates in a time.
//
// A sliding window with a coarse hand: a use is kept as the end of the sixtieth of the period that
// it fell into. So never more than the limit are taken in any span that is as long as the period,
// a place is free again at most a sixtieth of the period late, and a row stays small however high
// the limit is.
#ifndef COUNTERSIGN_STORE_ALLOWANCE_H_
#define COUNTERSIGN_STORE_ALLOWANCE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace countersign::store {

struct Allowance {
  struct Uses {
    Timestamp at;  // not before the first of them was taken
    std::int64_t count = 0;
    bool operator==(const Uses&) const = default;
  };
  std::vector<Uses> uses;  // oldest first
  bool operator==(const Allowance&) const = default;
};

// All of these are pure. `period` is above 0.

// What is left of it at `now`. Uses far ahead of `now` were made before the clock was put back:
// they count as made now, so that they neither bar the way until their time comes nor are lost.
Allowance at_time(Allowance allowance, Timestamp now, std::chrono::milliseconds period);
// Has the clock been put back since a use?
bool ahead(const Allowance& allowance, Timestamp now, std::chrono::milliseconds period);
// When there is room for one more: nullopt for now. Of what at_time() gave.
std::optional<Timestamp> free_at(const Allowance& allowance, std::int64_t most,
                                 std::chrono::milliseconds period);
std::int64_t used(const Allowance& allowance);
// With one use more. Of what at_time() gave.
Allowance taken(Allowance allowance, Timestamp now, std::chrono::milliseconds period);
// From then on the row says nothing.
Timestamp end_of(const Allowance& allowance, std::chrono::milliseconds period);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_ALLOWANCE_H_
