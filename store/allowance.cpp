#include "store/allowance.h"

#include <algorithm>

namespace countersign::store {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSlots = 60;
// Batches are not committed in the order of their times, and clocks are set by a little all the
// time: a use that is no further ahead was not made by a clock that ran wrong.
constexpr milliseconds kJitter = std::chrono::seconds(10);

milliseconds slot_of(milliseconds period) { return std::max(period / kSlots, milliseconds(1)); }

Timestamp slot_end(Timestamp now, milliseconds period) {
  const milliseconds slot = slot_of(period);
  const milliseconds since = now.time_since_epoch();
  return Timestamp((since / slot + 1) * slot);
}

void add(std::vector<Allowance::Uses>& uses, Timestamp at, std::int64_t count) {
  if (!uses.empty() && uses.back().at >= at) {
    uses.back().count += count;
  } else {
    uses.push_back({at, count});
  }
}

}  // namespace

bool ahead(const Allowance& allowance, Timestamp now, milliseconds period) {
  return !allowance.uses.empty() && allowance.uses.back().at > slot_end(now, period) + kJitter;
}

Allowance at_time(Allowance allowance, Timestamp now, milliseconds period) {
  const Timestamp last = slot_end(now, period);
  Allowance left;
  std::int64_t put_back = 0;
  for (const Allowance::Uses& use : allowance.uses) {
    if (use.at > last + kJitter) {
      put_back += use.count;
    } else if (use.at + period > now) {
      add(left.uses, use.at, use.count);
    }
  }
  if (put_back > 0) add(left.uses, last, put_back);
  return left;
}

std::optional<Timestamp> free_at(const Allowance& allowance, std::int64_t most,
                                 milliseconds period) {
  std::int64_t left = used(allowance);
  if (left < most) return std::nullopt;
  for (const Allowance::Uses& use : allowance.uses) {
    left -= use.count;
    if (left < most) return use.at + period;
  }
  return end_of(allowance, period);
}

std::int64_t used(const Allowance& allowance) {
  std::int64_t sum = 0;
  for (const Allowance::Uses& use : allowance.uses) sum += use.count;
  return sum;
}

Allowance taken(Allowance allowance, Timestamp now, milliseconds period) {
  add(allowance.uses, slot_end(now, period), 1);
  return allowance;
}

Timestamp end_of(const Allowance& allowance, milliseconds period) {
  return allowance.uses.empty() ? Timestamp::min() : allowance.uses.back().at + period;
}

}  // namespace countersign::store
