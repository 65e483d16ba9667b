// When the service's own certificate is made anew, whatever the clock does in between.
#ifndef COUNTERSIGN_CLI_RENEWAL_TIME_H_
#define COUNTERSIGN_CLI_RENEWAL_TIME_H_

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace countersign::cli {

// Not thread-safe: of the coroutine that keeps the certificate.
class RenewalTime {
 public:
  explicit RenewalTime(const Clock& clock) : clock_(clock) {}

  // A certificate with these times was taken.
  void made(Timestamp not_before, Timestamp not_after);
  // None could be made; the next try is in a while. By the time since boot: the clock may be the
  // very cause, and years away from where it will be.
  void failed() { tried_ = clock_.since_boot(); }
  // Two thirds of its time are over, or the clock was put back behind its begin: then nobody takes
  // it, and two thirds may be years away.
  bool due() const;

 private:
  const Clock& clock_;
  Timestamp begins_;
  Timestamp renew_at_;
  std::optional<std::chrono::milliseconds> tried_;  // in vain, since made()
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_RENEWAL_TIME_H_
