#include "policy/identity_match.h"

#include <algorithm>

#include "policy/words.h"

namespace countersign::policy {
namespace {

constexpr std::size_t kLongestList = 200;

std::string any_of(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : " or ") + quoted(value);
  }
  return clipped(text, kLongestList);
}

bool is_good(const Facts& facts) { return facts.identity && facts.identity->problem.empty(); }

}  // namespace

bool ClaimMatch::holds(const NameTemplate::Claims& claims) const {
  const auto found = claims.find(claim);
  if (found == claims.end()) return false;
  return std::ranges::any_of(values, [&](std::string_view value) {
    if (!value.ends_with('*')) return value == found->second;
    return found->second.starts_with(value.substr(0, value.size() - 1));
  });
}

bool IdentityMatch::holds(const Facts& facts) const {
  if (!required) return true;
  if (!is_good(facts)) return false;
  const PresentedIdentity& identity = *facts.identity;
  return (providers.empty() ||
          std::ranges::find(providers, identity.provider) != providers.end()) &&
         std::ranges::all_of(claims,
                             [&](const ClaimMatch& claim) { return claim.holds(identity.claims); });
}

std::string IdentityMatch::lack(const Facts& facts) {
  if (!facts.identity) return "no identity document was presented";
  return "the identity document is refused: " + facts.identity->problem;
}

std::string IdentityMatch::problem(const Facts& facts) const {
  if (holds(facts)) return "";
  if (!is_good(facts)) return lack(facts);
  const PresentedIdentity& identity = *facts.identity;
  if (!providers.empty() && std::ranges::find(providers, identity.provider) == providers.end()) {
    return "the identity document is one of " + quoted(identity.provider) + ", not of " +
           any_of(providers);
  }
  for (const ClaimMatch& claim : claims) {
    if (claim.holds(identity.claims)) continue;
    const auto found = identity.claims.find(claim.claim);
    if (found == identity.claims.end()) return "the document does not say " + claim.claim;
    return claim.claim + " is " + quoted(found->second) + ", not " + any_of(claim.values);
  }
  return "";
}

std::string IdentityMatch::wanted() const {
  std::string text = "an identity document";
  if (!providers.empty()) text += " of " + any_of(providers);
  for (const ClaimMatch& claim : claims) {
    text += (&claim == claims.data() ? " that proves " : " and ") + claim.claim + " = " +
            any_of(claim.values);
  }
  return text;
}

}  // namespace countersign::policy
