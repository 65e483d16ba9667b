#include "policy/name_template.h"

#include <algorithm>

#include "policy/identity_claims.h"

namespace countersign::policy {
namespace {

constexpr std::size_t kLongestLabel = 63;

bool is_label_part(std::string_view value) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !value.empty() && value.size() <= kLongestLabel && std::ranges::all_of(value, good);
}

bool is_literal(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '.' || is_label_part({&c, 1}); });
}

}  // namespace

std::string NameTemplate::parse(std::string_view text) {
  text_ = text;
  parts_.clear();
  for (;;) {
    const std::size_t open = text.find('{');
    const std::string_view literal = text.substr(0, open);
    if (!is_literal(literal)) return "it has characters that no certname has";
    const bool follows = !parts_.empty();
    if (follows && open != text.npos && literal.find('.') == literal.npos) {
      return "two placeholders are in one label, so that two machines could have one name";
    }
    parts_.push_back({std::string(literal), ""});
    if (open == text.npos) return "";
    const std::size_t close = text.find('}', open);
    if (close == text.npos) return "a '{' has no '}'";
    const std::string_view claim = text.substr(open + 1, close - open - 1);
    if (!is_claim(claim)) return "'" + std::string(claim) + "' is no claim of an identity document";
    parts_.back().claim = claim;
    text.remove_prefix(close + 1);
  }
}

bool NameTemplate::matches(std::string_view certname, const Claims& claims) const {
  // The end first: it tells most templates from most names, and costs least.
  if (!certname.ends_with(parts_.back().literal)) return false;
  for (const Part& part : parts_) {
    if (!certname.starts_with(part.literal)) return false;
    certname.remove_prefix(part.literal.size());
    if (part.claim.empty()) break;
    const auto value = claims.find(part.claim);
    if (value == claims.end() || !certname.starts_with(value->second) ||
        !is_label_part(value->second)) {
      return false;
    }
    certname.remove_prefix(value->second.size());
  }
  return certname.empty();
}

std::string NameTemplate::expand(const Claims& claims) const {
  std::string name;
  for (const Part& part : parts_) {
    name += part.literal;
    if (part.claim.empty()) break;
    const auto value = claims.find(part.claim);
    if (value == claims.end() || !is_label_part(value->second)) return "";
    name += value->second;
  }
  return name;
}

std::string_view NameTemplate::tail() const {
  const std::string_view last = parts_.back().literal;
  const std::size_t dot = last.find('.');
  return dot == last.npos ? std::string_view() : last.substr(dot + 1);
}

}  // namespace countersign::policy
