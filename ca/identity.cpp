#include "ca/identity.h"

#include <algorithm>
#include <boost/json.hpp>

namespace countersign::ca {
namespace {

constexpr std::size_t kLongestClaim = 256;

}  // namespace

Result<void> add_claim(const boost::json::object& object, std::string_view member,
                       std::string_view name, Claims& claims) {
  const boost::json::value* value = object.if_contains({member.data(), member.size()});
  if (value == nullptr || value->is_null()) return {};
  std::string text;
  if (value->is_string()) {
    text = value->get_string();
  } else if (value->is_bool() || value->is_int64() || value->is_uint64()) {
    text = boost::json::serialize(*value);
  } else {
    return fail(Code::bad_proof, "Its member '" + std::string(member) + "' is no text.");
  }
  const bool control =
      std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; });
  if (text.size() > kLongestClaim || control) {
    return fail(Code::bad_proof, "Its member '" + std::string(member) + "' is no short text.");
  }
  if (!text.empty()) claims.insert_or_assign(std::string(name), std::move(text));
  return {};
}

Result<void> require_claims(const Claims& claims, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (claims.find(name) == claims.end()) {
      return fail(Code::bad_proof, "It does not say " + std::string(name) + ".");
    }
  }
  return {};
}

}  // namespace countersign::ca
