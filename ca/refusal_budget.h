// How many refused calls get an audit row. Anybody who reaches the port can cause refusals, so rows
// for them are rationed; what is over is counted, and every call has its line in the log anyway.
#ifndef COUNTERSIGN_CA_REFUSAL_BUDGET_H_
#define COUNTERSIGN_CA_REFUSAL_BUDGET_H_

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "ca/caller.h"

namespace countersign::ca {

// Thread-safe. Two accounts, so that strangers cannot use up what is kept for the refusals of known
// callers: anonymous, 100 rows at once and one more each 10 s; all others, 1000 at once and one
// more each second. At most 95,040 rows a day, some 25 MB.
class RefusalBudget {
 public:
  explicit RefusalBudget(const Clock& clock);

  // May a refusal of such a caller be written? Then: how many were not since the last that was.
  std::optional<std::uint64_t> take(Role role);

 private:
  struct Account {
    std::int64_t most;
    std::chrono::milliseconds each;  // for one more row
    std::int64_t left;
    Timestamp filled;
    std::uint64_t skipped = 0;
  };

  const Clock& clock_;
  std::mutex mutex_;  // guards the rest
  Account anonymous_;
  Account known_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_REFUSAL_BUDGET_H_
