// The ids of requests.
#ifndef COUNTERSIGN_CA_REQUEST_ID_H_
#define COUNTERSIGN_CA_REQUEST_ID_H_

#include <string>

#include "base/clock.h"
#include "base/random.h"

namespace countersign::ca {

// 26 characters that sort by `arrived` and cannot be guessed.
std::string new_request_id(Timestamp arrived, const Random& random);
// Sorts before the ids of all requests that arrived then or later, and behind all others.
std::string first_request_id(Timestamp arrived);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_REQUEST_ID_H_
