#include "ca/clock_check.h"

#include <algorithm>

namespace countersign::ca {
namespace {

std::chrono::nanoseconds since_boot() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

ClockCheck::ClockCheck(const Issuer& issuer, const Clock& clock, Steady steady)
    : issuer_(issuer), clock_(clock), steady_(steady ? std::move(steady) : Steady(since_boot)) {}

Result<void> ClockCheck::begin(const store::Store& store, bool accept) {
  began_ = steady_();
  known_ = clock_.now();
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
  const auto passed = std::chrono::floor<std::chrono::milliseconds>(steady_() - began_);
  if (now >= *known_ + passed - kClockMayBeBehind) return {};
  return fail(Code::unavailable,
              "The clock says " + to_rfc3339(now) + ", but it is at least " +
                  to_rfc3339(*known_ + passed) +
                  " by what the store holds. Nothing is signed until the clock is right "
                  "(timedatectl). If it is right now and was wrong before: countersign serve "
                  "--accept-clock, once.");
}

}  // namespace countersign::ca
