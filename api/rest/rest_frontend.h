// REST and JSON under /v1, and /metrics.
#ifndef COUNTERSIGN_API_REST_REST_FRONTEND_H_
#define COUNTERSIGN_API_REST_REST_FRONTEND_H_

#include <functional>

#include "api/http/connection_counts.h"
#include "api/http/message.h"
#include "api/http/router.h"
#include "ca/authority.h"

namespace countersign::api {

struct RestSettings {
  // May callers without a credential submit and fetch? The CA chain, the CRL, health and the
  // interface document are open to all in any case.
  bool anonymous = true;
  // What /metrics tells of the listener; empty: nothing. Thread-safe.
  std::function<ConnectionCounts()> connections;
};

// Adds every route of the REST interface. The OpenAPI document lists the same ones; a test holds
// both together.
void mount_rest(Router& router, ca::Authority& authority, const RestSettings& settings);
// The handler for the prefixes "/v1" and "/metrics". Thread-safe.
Handler rest_frontend(ca::Authority& authority, const RestSettings& settings);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_REST_FRONTEND_H_
