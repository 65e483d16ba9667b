// JSON from outside, without what two readers could take in two ways.
#ifndef COUNTERSIGN_CA_STRICT_JSON_H_
#define COUNTERSIGN_CA_STRICT_JSON_H_

#include <boost/json.hpp>
#include <string_view>

#include "base/result.h"

namespace countersign::ca {

// RFC 8259, at most 16 deep. malformed, also for an object that has a member twice.
Result<boost::json::value> parse_strict_json(std::string_view text);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_STRICT_JSON_H_
