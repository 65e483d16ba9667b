// The JSON body of a request, member by member.
#ifndef COUNTERSIGN_API_REST_JSON_BODY_H_
#define COUNTERSIGN_API_REST_JSON_BODY_H_

#include <boost/json.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/message.h"
#include "base/result.h"

namespace countersign::api {

// The body as an object with no key but those of `known`. malformed otherwise; an empty body is an
// empty object.
Result<boost::json::object> json_body(const Request& request,
                                      std::initializer_list<std::string_view> known);
// A member that must be a text; malformed if it is missing (unless `fallback`) or something else.
Result<std::string> json_text(const boost::json::object& object, std::string_view key,
                              std::optional<std::string> fallback = std::nullopt);

// A member that must be a whole number above 0, or absent: malformed otherwise.
Result<std::optional<std::int64_t>> json_count(const boost::json::object& object,
                                               std::string_view key);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_JSON_BODY_H_
