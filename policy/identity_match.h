// Conditions on the identity document that came with a request. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_IDENTITY_MATCH_H_
#define COUNTERSIGN_POLICY_IDENTITY_MATCH_H_

#include <string>
#include <string_view>
#include <vector>

#include "policy/facts.h"
#include "policy/name_template.h"

namespace countersign::policy {

// A claim must have one of the values. "*" at the end of a value stands for any rest.
struct ClaimMatch {
  std::string claim;
  std::vector<std::string> values;

  bool holds(const std::map<std::string, std::string, std::less<>>& claims) const;
};

struct IdentityMatch {
  bool required = false;               // a document that is good must have come
  std::vector<std::string> providers;  // verified by one of these; empty: by any
  std::vector<ClaimMatch> claims;      // each must hold

  // What is wrong, as a trace says it; "" if it holds.
  std::string problem(const Facts& facts) const;
  bool holds(const Facts& facts) const;
  // Why there is no good document: none came, or it was refused.
  static std::string lack(const Facts& facts);
  // "an identity document that proves aws.account = '1' or '2'".
  std::string wanted() const;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_IDENTITY_MATCH_H_
