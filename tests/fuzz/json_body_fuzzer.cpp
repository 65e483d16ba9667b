// The JSON body of a REST request: what is taken has known members only, says the same when it is
// written and read again, and gives a text or a number only where one stands.
#include <algorithm>
#include <initializer_list>
#include <string>

#include "api/rest/json_body.h"
#include "tests/fuzz/require.h"

using countersign::Code;
using countersign::api::json_body;
using countersign::api::json_count;
using countersign::api::json_text;
using countersign::api::Request;

namespace {

const std::initializer_list<std::string_view> kKnown = {"csr", "token", "certnames", "uses",
                                                        "reason"};

void check_members(const boost::json::object& body) {
  for (const std::string_view key : kKnown) {
    const auto* value = body.if_contains({key.data(), key.size()});
    const auto text = json_text(body, key);
    require(text.has_value() == (value != nullptr && value->is_string()));
    if (text) require(*text == std::string_view(value->get_string()));
    const auto otherwise = json_text(body, key, "fallback");
    require(otherwise.has_value() == (value == nullptr || value->is_string()));
    if (value == nullptr) require(*otherwise == "fallback");
    const auto count = json_count(body, key);
    if (value == nullptr) require(count && !*count);
    if (count && *count) require(**count > 0 && value->get_int64() == **count);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Request request;
  request.body.assign(reinterpret_cast<const char*>(data), size);
  const auto body = json_body(request, kKnown);
  if (body.has_error()) {
    require(body.error().code == Code::malformed && !body.error().detail.empty());
    return 0;
  }
  for (const auto& [key, value] : *body) {
    require(std::ranges::find(kKnown, std::string_view(key)) != kKnown.end());
  }
  check_members(*body);
  // With fewer known members it is the same object, or it is refused.
  const auto narrow = json_body(request, {"csr"});
  require(narrow.has_value() == (body->size() == body->count("csr")));

  // Fractions, and numbers of more digits than a double has, are no member's.
  const bool exact = std::ranges::all_of(*body, [](const auto& member) {
    return member.value().is_string() || member.value().is_int64();
  });
  if (!exact) return 0;
  Request again;
  again.body = boost::json::serialize(*body);
  const auto same = json_body(again, kKnown);
  require(same.has_value() && *same == *body);
  return 0;
}
