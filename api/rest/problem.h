// Errors as application/problem+json (RFC 9457).
#ifndef COUNTERSIGN_API_REST_PROBLEM_H_
#define COUNTERSIGN_API_REST_PROBLEM_H_

#include <string>

#include "api/http/message.h"
#include "base/result.h"

namespace countersign::api {

// The one place where an Error becomes wire text: `type` is "urn:countersign:problem:<slug>" and
// stable. The cause is logged here and not sent.
// `status` is http_status(code) unless HTTP has a finer one (405, 415, 431).
Response problem(const Error& error, const Request& request, unsigned status = 0);
unsigned http_status(Code code);
std::string problem_type(Code code);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_PROBLEM_H_
