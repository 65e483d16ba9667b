#include "cli/renewal_time.h"

namespace countersign::cli {
namespace {

constexpr auto kRetry = std::chrono::seconds(10);

}  // namespace

void RenewalTime::made(Timestamp not_before, Timestamp not_after) {
  const Timestamp now = clock_.now();
  begins_ = not_before;
  renew_at_ = now + (not_after - now) * 2 / 3;
  tried_.reset();
}

bool RenewalTime::due() const {
  if (tried_) return clock_.since_boot() - *tried_ >= kRetry;
  const Timestamp now = clock_.now();
  return now < begins_ || now >= renew_at_;
}

}  // namespace countersign::cli
