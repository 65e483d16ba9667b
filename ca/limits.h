// The limits of the rule that signs: looked at before the work, taken with the certificate.
#ifndef COUNTERSIGN_CA_LIMITS_H_
#define COUNTERSIGN_CA_LIMITS_H_

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "policy/limit.h"
#include "store/store.h"

namespace countersign::ca {

struct Verdict;

struct LimitUse {
  policy::Limit limit;
  std::int64_t used = 0;
  std::optional<Timestamp> free_at;  // when there is room again; nullopt: there is
  bool clock_put_back = false;
};

// Blocks for a read of the store for each.
Result<std::vector<LimitUse>> uses_of(const store::Store& store,
                                      const std::vector<policy::Limit>& limits, Timestamp now);

// Makes a verdict to sign wait if there is no room under a limit. Others may have been faster when
// the certificate is stored: see take_allowances.
void hold_over_limit(const std::vector<LimitUse>& uses, Verdict& verdict);

// Counts the certificate in the batch that stores it: rate_limited if another took the last room.
void take_allowances(const std::vector<policy::Limit>& limits, Timestamp now,
                     store::WriteBatch& batch);
// What there is to do once the clock was put back.
store::WriteBatch settle_allowances(const std::vector<policy::Limit>& limits, Timestamp now);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_LIMITS_H_
