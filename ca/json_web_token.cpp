#include "ca/json_web_token.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "ca/strict_json.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

// Year 5138, so that no sum of times overflows.
constexpr std::int64_t kLastSecond = 100'000'000'000;

Result<json::object> read_part(std::string_view part, const char* what) {
  const auto bytes = from_base64url(part);
  if (!bytes) return fail(Code::malformed, std::string("Its ") + what + " is no base64url.");
  auto object = parse_json_object(as_text(*bytes));
  if (object.has_error()) {
    return fail(Code::malformed, std::string("Its ") + what + ": " + object.error().detail);
  }
  return object;
}

bool is_token_type(std::string type) {
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return type == "jwt" || type == "application/jwt";
}

// NumericDate: seconds, a fraction allowed.
std::optional<Timestamp> time_in(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->to_number<double>();
  if (!(seconds >= 0 && seconds <= static_cast<double>(kLastSecond))) return std::nullopt;
  return Timestamp(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

bool has_audience(const json::object& claims, std::string_view audience) {
  const json::value* value = claims.if_contains("aud");
  const auto same = [&](const json::value& one) {
    return one.is_string() && std::string_view(one.get_string()) == audience;
  };
  if (value == nullptr) return false;
  return value->is_array() ? std::ranges::any_of(value->get_array(), same) : same(*value);
}

}  // namespace

Result<JsonWebToken> JsonWebToken::parse(std::string_view compact) {
  if (compact.size() > kMaxBytes) return fail(Code::malformed, "It is over 16 KiB.");
  const std::size_t first = compact.find('.');
  const std::size_t second = compact.find('.', first == compact.npos ? first : first + 1);
  if (second == compact.npos || compact.find('.', second + 1) != compact.npos) {
    return fail(Code::malformed, "It is not three parts with dots between.");
  }
  const auto header = read_part(compact.substr(0, first), "header");
  if (header.has_error()) return header.error();
  auto claims = read_part(compact.substr(first + 1, second - first - 1), "claims");
  if (claims.has_error()) return claims.error();
  if (!from_base64url(compact.substr(second + 1))) {
    return fail(Code::malformed, "Its signature is no base64url.");
  }
  JsonWebToken token;
  token.compact_ = compact;
  token.claims_ = std::move(*claims);
  token.algorithm_ = text_member(*header, "alg").value_or("");
  token.kid_ = text_member(*header, "kid").value_or("");
  if (header->contains("kid") && token.kid_.empty()) {
    return fail(Code::bad_proof, "Its 'kid' is no text.");
  }
  static constexpr std::string_view kFamilies[] = {"RS", "PS", "ES"};
  const bool asymmetric = std::ranges::any_of(
      kFamilies, [&](std::string_view family) { return token.algorithm_.starts_with(family); });
  if (!asymmetric) {
    return fail(Code::bad_proof,
                "Its algorithm is none of RS256, PS256, ES256 and their longer kin.");
  }
  // Extensions that must be understood (RFC 7515 4.1.11): none are.
  if (header->contains("crit")) return fail(Code::bad_proof, "Its header has 'crit'.");
  if (header->contains("typ") && !is_token_type(text_member(*header, "typ").value_or(""))) {
    return fail(Code::bad_proof, "Its 'typ' is not JWT.");
  }
  return token;
}

std::string JsonWebToken::issuer() const { return text_member(claims_, "iss").value_or(""); }

Result<void> JsonWebToken::verify_signature(const JsonWebKeySet& keys) const {
  const auto candidates = keys.candidates(kid_);
  if (candidates.empty()) {
    return fail(Code::bad_proof, kid_.empty() ? "It does not say which of the issuer's keys signed "
                                                "it."
                                              : "The issuer has no key of its 'kid'.");
  }
  bool fits = false;
  for (const JsonWebKey* key : candidates) {
    if (!key->fits(algorithm_)) continue;
    fits = true;
    if (key->verifies(compact_)) return {};
  }
  return fail(Code::bad_proof, fits ? "Its signature is not by the issuer's key."
                                    : "Its algorithm does not fit the issuer's key.");
}

Result<void> JsonWebToken::check_claims(const std::string& wanted, const std::string& audience,
                                        std::chrono::seconds lifetime, Timestamp now) const {
  if (issuer() != wanted) return fail(Code::bad_proof, "It is of another issuer.");
  if (!has_audience(claims_, audience)) {
    return fail(Code::bad_proof, "It is meant for another audience than " + audience + ".");
  }
  const auto issued = time_in(claims_, "iat");
  const auto expires = time_in(claims_, "exp");
  if (!issued || !expires) return fail(Code::bad_proof, "It has no good 'iat' and 'exp'.");
  if (claims_.contains("nbf") && !time_in(claims_, "nbf")) {
    return fail(Code::bad_proof, "Its 'nbf' is no time.");
  }
  if (now >= *expires + kLeeway) {
    return fail(Code::bad_proof, "It expired at " + to_rfc3339(*expires) + ".");
  }
  const Timestamp begin = std::max(*issued, time_in(claims_, "nbf").value_or(*issued));
  if (now + kLeeway < begin) {
    return fail(Code::bad_proof, "It is not good before " + to_rfc3339(begin) + ".");
  }
  if (*expires - *issued > lifetime) {
    return fail(Code::bad_proof, "It lives longer than max_lifetime allows.");
  }
  return {};
}

Timestamp JsonWebToken::issued_at() const { return time_in(claims_, "iat").value_or(Timestamp()); }

}  // namespace countersign::ca
