#include "ca/refusal_budget.h"

#include <algorithm>
#include <utility>

namespace countersign::ca {

RefusalBudget::RefusalBudget(const Clock& clock)
    : clock_(clock),
      anonymous_{100, std::chrono::seconds(10), 100, clock.now()},
      known_{1000, std::chrono::seconds(1), 1000, clock.now()} {}

std::optional<std::uint64_t> RefusalBudget::take(Role role) {
  const Timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  Account& account = role == Role::anonymous ? anonymous_ : known_;
  // A clock that went back starts the account's time anew.
  if (now < account.filled) account.filled = now;
  const std::int64_t earned = (now - account.filled) / account.each;
  account.filled += earned * account.each;
  account.left = std::min(account.most, account.left + earned);
  if (account.left == 0) {
    ++account.skipped;
    return std::nullopt;
  }
  --account.left;
  return std::exchange(account.skipped, 0);
}

}  // namespace countersign::ca
