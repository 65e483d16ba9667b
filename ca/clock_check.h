// Whether the system's clock can be right, by what else is known of the time: the CA's own
// certificate, what the store has seen, and how long the service runs.
#ifndef COUNTERSIGN_CA_CLOCK_CHECK_H_
#define COUNTERSIGN_CA_CLOCK_CHECK_H_

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "ca/issuer.h"
#include "store/store.h"

namespace countersign::ca {

// How far the clock may be off and signing goes on: a wrong time zone or a wrong day. Machines do
// not see it, for certificates are backdated by a day and last for months.
inline constexpr std::chrono::hours kClockMayBeOff{25};

// Thread-safe after begin().
class ClockCheck {
 public:
  ClockCheck(const Issuer& issuer, const Clock& clock);

  // Reads when the last CRL and the last audit row were made: it is later than that now. With
  // `accept` they may be wrong, and the clock is right. How far it is ahead of them says nothing:
  // a service may have been stopped for years.
  Result<void> begin(const store::Store& store, bool accept);

  // unavailable, with what is wrong and what to do, unless the clock is within the life of the
  // CA's certificate, not far behind the latest time that is known, and not far from where begin()
  // found it and the time that passed since. What is known moves on with the time since boot and
  // not with the clock, so that a clock that jumped can be put right without a restart.
  Result<void> check() const;

  // What the time is, or at least is if the clock is far behind: what has ended does not begin
  // anew.
  Timestamp at_least() const;

 private:
  std::chrono::milliseconds passed() const { return clock_.since_boot() - began_; }

  const Issuer& issuer_;
  const Clock& clock_;
  std::optional<Timestamp> known_;  // when begin() was called it was at least this late
  Timestamp found_;                 // what the clock said then
  std::chrono::milliseconds began_{};
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CLOCK_CHECK_H_
