// Keeps the full CRL of the issuer fresh: soon after a revocation and well before nextUpdate.
#ifndef COUNTERSIGN_CA_CRL_PUBLISHER_H_
#define COUNTERSIGN_CA_CRL_PUBLISHER_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "ca/issuer.h"
#include "store/committer.h"
#include "store/store.h"

namespace countersign::ca {

// Thread-safe. publish() blocks: call it on the worker pool.
class CrlPublisher {
 public:
  CrlPublisher(const Issuer& issuer, store::Store& store, store::Committer& committer,
               const Clock& clock, std::chrono::seconds delay, std::chrono::seconds lifetime,
               std::string parents_pem);

  // A revocation is durable and not yet published.
  void changed() { dirty_.store(true, std::memory_order_release); }
  // Is it time to publish: a revocation waits and the last CRL is at least `delay` old, or half of
  // the lifetime is over?
  bool due() const;
  // Signs and stores a CRL with the next number, then serves it.
  Result<void> publish();

  std::shared_ptr<const std::string> pem() const;  // ours, then those of the CAs above
  std::shared_ptr<const std::string> der() const;  // ours
  Timestamp changed_at() const;                    // when the CRL that is served was first served
  bool expired() const;                            // would a relying party refuse it now?

 private:
  const Issuer& issuer_;
  store::Store& store_;
  store::Committer& committer_;
  const Clock& clock_;
  const std::chrono::seconds delay_;
  const std::chrono::seconds lifetime_;
  const std::string parents_pem_;

  std::atomic<bool> dirty_{false};
  std::mutex publishing_;     // one at a time, so that numbers rise in order
  mutable std::mutex mutex_;  // guards the rest
  std::shared_ptr<const std::string> pem_;
  std::shared_ptr<const std::string> der_;
  Timestamp changed_at_;
  Timestamp this_update_;
  Timestamp next_update_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CRL_PUBLISHER_H_
