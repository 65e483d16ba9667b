// The readers of the tables of countersign.toml that have files of their own. Internal to
// cli/service_config*.cpp.
#ifndef COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
#define COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_

#include "base/config_reader.h"
#include "ca/authority.h"

namespace countersign::cli {

// service_config_queue.cpp: [queue] and [operators]
void read_queue(ConfigTable& root, ca::AuthorityConfig& config);
void read_operators(ConfigTable& root, ca::AuthorityConfig& config);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_SERVICE_CONFIG_PARTS_H_
