// The settings of a puppetserver that mean what our configuration says, and what has none there.
#ifndef COUNTERSIGN_CLI_PUPPET_COUNTERPARTS_H_
#define COUNTERSIGN_CLI_PUPPET_COUNTERPARTS_H_

#include <string>
#include <utility>
#include <vector>

#include "cli/service_config.h"
#include "policy/rule_set.h"

namespace countersign::cli {

struct PuppetCounterparts {
  using Settings = std::vector<std::pair<std::string, std::string>>;
  Settings puppet_conf;              // of [server]
  Settings ca_conf;                  // of certificate-authority
  std::vector<std::string> without;  // a sentence each
};

PuppetCounterparts puppet_counterparts(const ServiceConfig& config, const policy::RuleSet& policy);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_COUNTERPARTS_H_
