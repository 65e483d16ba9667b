#include "api/rest/json_body.h"

#include <algorithm>

namespace countersign::api {

namespace json = boost::json;

Result<json::object> json_body(const Request& request,
                               std::initializer_list<std::string_view> known) {
  if (request.body.empty()) return json::object();
  json::error_code error;
  json::value value = json::parse(request.body, error);
  if (error) return fail(Code::malformed, "The body is not JSON: " + error.message() + ".");
  if (!value.is_object()) return fail(Code::malformed, "The body must be a JSON object.");
  for (const auto& [key, member] : value.get_object()) {
    const std::string_view name(key.data(), key.size());
    if (std::ranges::find(known, name) != known.end()) continue;
    std::string list;
    for (const std::string_view word : known)
      list += (list.empty() ? "" : ", ") + std::string(word);
    return fail(Code::malformed,
                "Unknown member '" + std::string(name) + "'. Known here: " + list + ".");
  }
  return std::move(value.get_object());
}

Result<std::string> json_text(const json::object& object, std::string_view key,
                              std::optional<std::string> fallback) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr && fallback) return std::move(*fallback);
  if (value == nullptr || !value->is_string()) {
    return fail(Code::malformed, "The member '" + std::string(key) + "' must be a text.");
  }
  return std::string(value->get_string());
}

Result<std::optional<std::int64_t>> json_count(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr) return std::optional<std::int64_t>();
  if (!value->is_int64() || value->get_int64() <= 0) {
    return fail(Code::malformed, "'" + std::string(key) + "' must be a positive whole number.");
  }
  return std::optional(value->get_int64());
}

}  // namespace countersign::api
