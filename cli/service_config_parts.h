// The tables of countersign.toml that are read in files of their own. Internal to cli/.
#ifndef COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
#define COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_

#include "base/config_reader.h"
#include "ca/authority.h"

namespace countersign::cli {

// [admins], [operators], [auditors] and [[person]]: who has a role by certname.
void read_people(ConfigTable& root, ca::AuthorityConfig& config);
// What of a change of the policy is too much, in [policy].
void read_policy_guard(ConfigTable& policy, ca::AuthorityConfig& config);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
