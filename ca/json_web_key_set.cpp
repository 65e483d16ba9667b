#include "ca/json_web_key_set.h"

#include <boost/json.hpp>

#include "ca/strict_json.h"

namespace countersign::ca {

Result<JsonWebKeySet> JsonWebKeySet::parse(std::string_view json) {
  if (json.size() > kMaxBytes) return fail(Code::malformed, "The key set is over 256 KiB.");
  const auto object = parse_json_object(json);
  if (object.has_error()) return fail(Code::malformed, "The key set: " + object.error().detail);
  const boost::json::value* keys = object->if_contains("keys");
  if (keys == nullptr || !keys->is_array()) {
    return fail(Code::malformed, "It is no key set: it has no array 'keys'.");
  }
  if (keys->get_array().size() > kMaxKeys) {
    return fail(Code::malformed, "The key set has over 100 keys.");
  }
  JsonWebKeySet set;
  for (const boost::json::value& one : keys->get_array()) {
    if (!one.is_object()) return fail(Code::malformed, "A key of the key set is no object.");
    auto key = JsonWebKey::parse(one.get_object());
    if (key.has_value()) set.keys_.push_back(std::move(*key));
  }
  if (set.keys_.empty()) {
    return fail(Code::malformed,
                "The key set has no public key for signatures: RSA of 2048 bits or more, or EC.");
  }
  return set;
}

std::vector<const JsonWebKey*> JsonWebKeySet::candidates(std::string_view kid) const {
  std::vector<const JsonWebKey*> list;
  if (kid.empty()) {
    if (keys_.size() == 1) list.push_back(keys_.data());
    return list;
  }
  for (const JsonWebKey& key : keys_) {
    if (key.kid() == kid || (key.kid().empty() && keys_.size() == 1)) list.push_back(&key);
  }
  return list;
}

}  // namespace countersign::ca
