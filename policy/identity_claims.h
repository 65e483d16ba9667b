// What identity documents prove: the claims that rules and cases may name.
#ifndef COUNTERSIGN_POLICY_IDENTITY_CLAIMS_H_
#define COUNTERSIGN_POLICY_IDENTITY_CLAIMS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config_reader.h"

namespace countersign::policy {

// "aws.account", …, or "oidc.NAME.CLAIM" with any words for the two.
bool is_claim(std::string_view name);

// Claims as they are written: tables `aws`, `azure`, `gcp` and `k8s` with a text or a list of
// texts for each claim, and `oidc.NAME` with any claims. Complains of an empty list.
std::vector<std::pair<std::string, std::vector<std::string>>> read_claims(ConfigTable& table);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_IDENTITY_CLAIMS_H_
