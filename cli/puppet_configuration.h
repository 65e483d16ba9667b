// The settings of a Puppet CA as the table [puppet] of countersign.toml.
#ifndef COUNTERSIGN_CLI_PUPPET_CONFIGURATION_H_
#define COUNTERSIGN_CLI_PUPPET_CONFIGURATION_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/findings.h"

namespace countersign::cli {

struct PuppetConfiguration {
  std::filesystem::path puppet_conf;  // empty: none was found
  std::filesystem::path ca_conf;      // the same
  std::string table;                  // TOML, "[puppet]" and what is below it
  // Content of the list that `autosign` names; the table says "autosign.conf" then.
  std::optional<std::string> autosign_list;
  bool infra_crl = false;              // enable-infra-crl; not in the table
  std::vector<std::string> hostnames;  // certname and dns_alt_names of the CA's own machine
};

// `puppet_conf` empty: those of the packages are tried, and taken if their CA directory is `cadir`.
// `ca_conf` empty: it is looked for beside puppet.conf. A file that is named and cannot be read
// throws Failure.
PuppetConfiguration read_puppet_configuration(std::filesystem::path puppet_conf,
                                              std::filesystem::path ca_conf,
                                              const std::filesystem::path& cadir,
                                              Findings& findings);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_CONFIGURATION_H_
