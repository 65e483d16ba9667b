// Tables of countersign.toml that have a file of their own. Internal to cli/.
#ifndef COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
#define COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_

#include <filesystem>

#include "base/config_reader.h"
#include "ca/authority.h"

namespace countersign::cli {

// [decider.NAME]. Relative paths start at `folder`.
void read_deciders(ConfigTable& root, const std::filesystem::path& folder,
                   ca::AuthorityConfig& config);

// [hook.NAME].
void read_hooks(ConfigTable& root, const std::filesystem::path& folder,
                ca::AuthorityConfig& config);
// Each complains through the table. `folder`: where relative file names start.

// [identity.NAME]
void read_identities(ConfigTable& root, const std::filesystem::path& folder,
                     ca::AuthorityConfig& config);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
