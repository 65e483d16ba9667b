// A request to an endpoint that the configuration names.
#ifndef COUNTERSIGN_CA_ENDPOINT_H_
#define COUNTERSIGN_CA_ENDPOINT_H_

#include <string>

#include "base/https_client.h"
#include "ca/decider_settings.h"

namespace countersign::ca {

// A POST of the JSON text, with the endpoint's credentials. unavailable if its token file cannot be
// read. Blocks for that.
Result<HttpsRequest> post_to(const Endpoint& endpoint, std::string json);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_ENDPOINT_H_
