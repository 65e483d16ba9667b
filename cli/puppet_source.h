// A Puppet CA as an import takes it over: read as a whole, and checked.
#ifndef COUNTERSIGN_CLI_PUPPET_SOURCE_H_
#define COUNTERSIGN_CLI_PUPPET_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/puppet_cadir.h"
#include "cli/puppet_configuration.h"
#include "store/records.h"

namespace countersign::cli {

struct PuppetSource {
  PuppetCadir cadir;  // its findings hold those of all that was read
  std::vector<store::CertificateRecord> certificates;
  PuppetConfiguration configuration;
};

// Empty paths of the files: see read_puppet_configuration. Throws Failure if the directory changes
// while it is read; all else that is wrong is a finding.
PuppetSource read_puppet_source(const std::string& cadir, std::string_view key_passphrase,
                                const std::string& puppet_conf, const std::string& ca_conf);

// What the agents know the CA as: its own machine's names in puppet.conf, and those in the
// certificate that puppetserver serves with ("puppet", above all, when nothing was configured).
// That certificate is of the certname, which puppet.conf need not say.
std::vector<std::string> hostnames_of(const PuppetSource& source);

// The certname of the first operator: "operator", or with a number if a machine has that name.
std::string operator_name(const PuppetSource& source);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_SOURCE_H_
