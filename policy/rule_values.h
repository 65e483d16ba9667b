// Values that the match and the grant of a rule have in common. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_RULE_VALUES_H_
#define COUNTERSIGN_POLICY_RULE_VALUES_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/config_reader.h"
#include "policy/cidr.h"

namespace countersign::policy {

// "a, b".
std::string joined(const std::vector<std::string>& list);
// Complains at `key` of each text that is no range, and leaves it out.
std::vector<Cidr> parse_ranges(ConfigTable& table, std::string_view key,
                               const std::vector<std::string>& texts);
// The OID of an extension or attribute; complains if it is none.
std::string resolve(ConfigTable& table, std::string_view key, const std::string& name);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_VALUES_H_
