// JSON of which two readers cannot think differently.
#ifndef COUNTERSIGN_CA_STRICT_JSON_H_
#define COUNTERSIGN_CA_STRICT_JSON_H_

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace countersign::ca {

// One object and nothing after it, at most 8 deep, UTF-8. malformed otherwise, and if a member's
// name stands twice in an object: what was signed must mean one thing.
Result<boost::json::object> parse_json_object(std::string_view text);

// The member, if it is there and a text; nullopt otherwise.
std::optional<std::string> text_member(const boost::json::object& object, std::string_view name);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_STRICT_JSON_H_
