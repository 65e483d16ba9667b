// The readers of the tables of countersign.toml that have files of their own. Internal to
// cli/service_config*.cpp.
#ifndef COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
#define COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_

#include <filesystem>

#include "base/config_reader.h"
#include "ca/authority.h"

namespace countersign::cli {

// Each complains through the table. `folder`: where relative file names start.

// [queue]
void read_queue(ConfigTable& root, ca::AuthorityConfig& config);
// [identity.NAME]
void read_identities(ConfigTable& root, const std::filesystem::path& folder,
                     ca::AuthorityConfig& config);
// [decider.NAME] and [hook.NAME]
void read_deciders(ConfigTable& root, const std::filesystem::path& folder,
                   ca::AuthorityConfig& config);
void read_hooks(ConfigTable& root, const std::filesystem::path& folder,
                ca::AuthorityConfig& config);
// [admins], [operators], [auditors] and [[person]]: who has a role by certname.
void read_people(ConfigTable& root, ca::AuthorityConfig& config);
// What of a change of the policy is too much, in [policy].
void read_policy_guard(ConfigTable& policy, ca::AuthorityConfig& config);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
