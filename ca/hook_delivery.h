// One attempt to tell a hook of an event.
#ifndef COUNTERSIGN_CA_HOOK_DELIVERY_H_
#define COUNTERSIGN_CA_HOOK_DELIVERY_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/https_client.h"
#include "base/random.h"
#include "ca/hook_settings.h"
#include "store/records.h"

namespace countersign::ca {

struct Delivery {
  enum class Outcome {
    done,
    refused,  // it answers, and will not have this one (4xx): others may do better
    down,     // nothing can be delivered now
  } outcome = Outcome::down;
  std::string error;  // one line, for people
};

// Blocks, at most for the hook's deadline; ends early once `stop` is true. An endpoint gets a POST
// with the headers Countersign-Delivery (the event's id), Countersign-Event and, if the hook has a
// secret, Countersign-Signature: t=SECONDS,v1=HEX, an HMAC-SHA256 of "SECONDS.BODY". A program gets
// the event's name as its argument and the body on its stdin.
Delivery deliver(const HookSettings& hook, const store::HookEventRecord& event,
                 const HttpsClient& https, Timestamp now, const std::atomic<bool>& stop);

// How long to wait after the Nth failure in a row, from 1: doubling from a second up to `most`, and
// somewhere in the upper half of that, so that many do not come back at once.
std::chrono::milliseconds backoff(std::int64_t failures, std::chrono::milliseconds most,
                                  const Random& random);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_HOOK_DELIVERY_H_
