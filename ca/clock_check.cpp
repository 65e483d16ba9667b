#include "ca/clock_check.h"

#include <algorithm>

namespace countersign::ca {

ClockCheck::ClockCheck(const Issuer& issuer, const Clock& clock) : issuer_(issuer), clock_(clock) {}

Result<void> ClockCheck::begin(const store::Store& store, bool accept) {
  began_ = clock_.since_boot();
  found_ = clock_.now();
  known_ = found_;
  if (accept) return check();
  const auto crl = store.last_crl(issuer_.id());
  if (crl.has_error()) return crl.error();
  if (*crl) known_ = std::max(*known_, Timestamp((*crl)->this_update));
  store::AuditQuery newest;
  newest.newest_first = true;
  newest.limit = 1;
  const auto rows = store.audit_rows(newest);
  if (rows.has_error()) return rows.error();
  if (!rows->rows.empty()) known_ = std::max(*known_, rows->rows.front().at);
  return check();
}

Result<void> ClockCheck::check() const {
  const Timestamp now = clock_.now();
  auto within = issuer_.check_validity(now);
  if (within.has_error() || !known_) return within;
  const Timestamp least = *known_ + passed();
  if (now < least - kClockMayBeOff) {
    return fail(Code::unavailable,
                "The clock says " + to_rfc3339(now) + ", but it is at least " + to_rfc3339(least) +
                    " by what the store holds. Nothing is signed until the clock is right "
                    "(timedatectl). If it is right now and was wrong before: countersign serve "
                    "--accept-clock, once.");
  }
  const Timestamp expected = found_ + passed();
  if (now > expected + kClockMayBeOff) {
    return fail(Code::unavailable,
                "The clock says " + to_rfc3339(now) +
                    ", but by the time that passed since the "
                    "start it should be " +
                    to_rfc3339(expected) +
                    ". Nothing is signed until the clock is right (timedatectl). If it is right "
                    "now and was wrong before, or the machine was halted: restart the service.");
  }
  return {};
}

Timestamp ClockCheck::at_least() const {
  const Timestamp now = clock_.now();
  return known_ ? std::max(now, *known_ + passed() - kClockMayBeOff) : now;
}

}  // namespace countersign::ca
