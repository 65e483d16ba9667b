// What an enrolment token is bound to: which request may be signed on the strength of it.
#ifndef COUNTERSIGN_POLICY_ENROLMENT_TOKEN_H_
#define COUNTERSIGN_POLICY_ENROLMENT_TOKEN_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/facts.h"

namespace countersign::policy {

// A token only narrows: what a certificate may hold is still what the rule grants. A bound that is
// empty does not count. Immutable once read; thread-safe.
struct TokenBounds {
  std::string certname;        // exactly one of these two is set
  std::string certname_regex;  // RE2, of the whole name
  // SANs that may be asked for beside the certname, in lower case. nullopt: any that the rule
  // grants.
  std::optional<std::vector<std::string>> dns;
  std::optional<std::vector<std::string>> ip;     // addresses and CIDR ranges
  std::map<std::string, std::string> extensions;  // OID -> the value that must be asked for
  std::vector<std::string> source;                // CIDR ranges
  std::string key_sha256;                         // of the SPKI, 64 hex digits in lower case
  std::string profile;                            // of the rule that signs
  std::vector<std::string> rules;                 // by name: one of them signs

  bool operator==(const TokenBounds&) const = default;
};

// The JSON object that orders a token and is stored with it, with the members of TokenBounds;
// `extensions` may be named in Puppet's short names. malformed, with the member named, for what is
// unknown, wrong or longer than a name or a CSR can be.
Result<TokenBounds> parse_token_bounds(std::string_view json);
std::string to_json(const TokenBounds& bounds);

// Why a request with these facts is not what the token is for; "" if it is. The profile and the
// rules are for the rule to compare. Holds no secret.
std::string refusal(const TokenBounds& bounds, const Facts& facts);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_ENROLMENT_TOKEN_H_
