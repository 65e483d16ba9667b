// Whether the system's clock can be right, by what else is known of the time: the CA's own
// certificate, and what the store has seen.
#ifndef COUNTERSIGN_CA_CLOCK_CHECK_H_
#define COUNTERSIGN_CA_CLOCK_CHECK_H_

#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "ca/issuer.h"
#include "store/store.h"

namespace countersign::ca {

// How far the clock may be behind and signing goes on: a wrong time zone or a wrong day. Machines
// do not see it, for certificates are backdated by a day and last for months.
inline constexpr std::chrono::hours kClockMayBeBehind{25};

// Thread-safe after begin().
class ClockCheck {
 public:
  // Time that nobody sets, since any moment.
  using Steady = std::function<std::chrono::nanoseconds()>;

  ClockCheck(const Issuer& issuer, const Clock& clock, Steady steady = {});

  // Reads when the last CRL and the last audit row were made: it is later than that now. With
  // `accept` they may be wrong, and the clock is right.
  Result<void> begin(const store::Store& store, bool accept);

  // unavailable, with what is wrong and what to do, unless the clock is within the life of the
  // CA's certificate and not far behind the latest time that is known. That moves on with steady
  // time and not with the clock, so that a clock that was ahead for a while can be put right.
  Result<void> check() const;

 private:
  const Issuer& issuer_;
  const Clock& clock_;
  const Steady steady_;
  std::optional<Timestamp> known_;  // when begin() was called it was at least this late
  std::chrono::nanoseconds began_{};
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CLOCK_CHECK_H_
