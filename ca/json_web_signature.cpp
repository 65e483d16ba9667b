#include "ca/json_web_signature.h"

#include <cjose/cjose.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "ca/strict_json.h"
#include "x509/error_queue.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

struct KeyRelease {
  void operator()(::cjose_jwk_t* key) const { ::cjose_jwk_release(key); }
};
struct SignatureRelease {
  void operator()(::cjose_jws_t* jws) const { ::cjose_jws_release(jws); }
};

// A key of cjose's counts its owners without a lock, so that each use has one of its own.
std::unique_ptr<::cjose_jwk_t, KeyRelease> import(const std::string& key) {
  ::cjose_err error{};
  return std::unique_ptr<::cjose_jwk_t, KeyRelease>(
      ::cjose_jwk_import(key.data(), key.size(), &error));
}

// The family of each algorithm that may be used.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kAlgorithms = {{
    {"RS256", "RSA"},
    {"RS384", "RSA"},
    {"RS512", "RSA"},
    {"PS256", "RSA"},
    {"PS384", "RSA"},
    {"PS512", "RSA"},
    {"ES256", "P-256"},
    {"ES384", "P-384"},
    {"ES512", "P-521"},
}};
constexpr std::size_t kLeastModulus = 256;  // bytes
constexpr std::size_t kMostModulus = 1024;
constexpr std::size_t kMostExponent = 8;

bool is_for_signatures(const json::object& jwk) {
  const json::value* use = jwk.if_contains("use");
  if (use != nullptr && (!use->is_string() || use->get_string() != "sig")) return false;
  const json::value* uses = jwk.if_contains("key_ops");
  if (uses == nullptr) return true;
  return uses->is_array() && std::ranges::any_of(uses->get_array(), [](const json::value& one) {
           return one.is_string() && one.get_string() == "verify";
         });
}

// The named members, each base64url of `low` to `high` bytes; empty if one is not.
json::object numbers(const json::object& jwk, std::string_view name, std::size_t low,
                     std::size_t high) {
  const auto text = text_member(jwk, name);
  const auto bytes = text ? from_base64url(*text) : std::nullopt;
  if (!bytes || bytes->size() < low || bytes->size() > high) return {};
  return {{{name.data(), name.size()}, *text}};
}

}  // namespace

Result<JsonWebKey> JsonWebKey::parse(const json::object& jwk) {
  JsonWebKey key;
  if (!is_for_signatures(jwk)) return fail(Code::bad_key, "The key is not meant for signatures.");
  key.kid_ = text_member(jwk, "kid").value_or("");
  key.algorithm_ = text_member(jwk, "alg").value_or("");
  const std::string family = text_member(jwk, "kty").value_or("");
  json::object known{{"kty", family}};
  std::array<json::object, 2> parts;
  if (family == "RSA") {
    key.kind_ = family;
    parts = {numbers(jwk, "n", kLeastModulus, kMostModulus), numbers(jwk, "e", 1, kMostExponent)};
  } else if (family == "EC") {
    key.kind_ = text_member(jwk, "crv").value_or("");
    const std::size_t size = key.kind_ == "P-256" ? 32 : key.kind_ == "P-384" ? 48 : 66;
    known["crv"] = key.kind_;
    parts = {numbers(jwk, "x", size, size), numbers(jwk, "y", size, size)};
  }
  const bool named = std::ranges::any_of(
      kAlgorithms, [&](const auto& algorithm) { return algorithm.second == key.kind_; });
  if (!named || parts[0].empty() || parts[1].empty()) {
    return fail(Code::bad_key,
                "The key is neither RSA of 2048 to 8192 bits nor EC of a curve "
                "that is known here.");
  }
  for (const json::object& part : parts) known.insert(part.begin(), part.end());
  key.json_ = json::serialize(known);
  const bool good = import(key.json_) != nullptr;
  x509::forget_errors();
  if (!good) return fail(Code::bad_key, "The key cannot be read.");
  return key;
}

bool JsonWebKey::fits(std::string_view algorithm) const {
  if (!algorithm_.empty() && algorithm_ != algorithm) return false;
  const auto* known = std::ranges::find(kAlgorithms, algorithm,
                                        &std::pair<std::string_view, std::string_view>::first);
  return known != kAlgorithms.end() && known->second == kind_;
}

bool JsonWebKey::verifies(const std::string& compact) const {
  ::cjose_err error{};
  const auto key = import(json_);
  const std::unique_ptr<::cjose_jws_t, SignatureRelease> jws(
      ::cjose_jws_import(compact.data(), compact.size(), &error));
  if (!key || !jws) return false;
  // What cjose will go by, asked once more of cjose's own reading of the header.
  const char* algorithm =
      ::cjose_header_get(::cjose_jws_get_protected(jws.get()), CJOSE_HDR_ALG, &error);
  const bool good =
      algorithm != nullptr && fits(algorithm) && ::cjose_jws_verify(jws.get(), key.get(), &error);
  x509::forget_errors();
  return good;
}

}  // namespace countersign::ca
