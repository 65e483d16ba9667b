// Writes all that a puppetserver needs to take over from us: a CA directory (contract section 5).
#ifndef COUNTERSIGN_CLI_EXPORT_PUPPET_H_
#define COUNTERSIGN_CLI_EXPORT_PUPPET_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "ca/issuer.h"
#include "cli/puppet_cadir_writer.h"
#include "store/store.h"

namespace countersign::cli {

// What was written, for the report.
struct PuppetExport {
  std::size_t certificates = 0;  // rows of inventory.txt
  std::size_t signed_ = 0;       // files in signed/
  std::size_t revoked = 0;       // entries of our CRL
  std::size_t requests = 0;
  // Neither expired nor revoked, but replaced or freed: Puppet Server 7 cannot revoke these. Not
  // counted: the service's own, whose keys never left its memory.
  std::size_t valid_outside = 0;
  std::size_t foreign = 0;  // certificates of another CA, left out
  std::size_t unfit = 0;    // names that no file can have, left out of signed/ and requests/
  bool infra = false;       // infra_inventory.txt and its companions
  std::string serial;       // the next one, as the file has it
  std::uint64_t crl_number = 0;
};

struct ExportSource {
  store::Store& store;         // nobody else may write to it meanwhile
  const ca::Issuer& issuer;    // with an RSA key
  const Secret& key_pem;       // of the issuer, without encryption
  const std::string& parents;  // PEM of the CRLs above ours
  // Content of infra_inventory.txt as the service reads it; nullopt: that of the import, if any.
  std::optional<std::string> infra_inventory;
  Timestamp now;
};

// Does not publish. Signs a CRL of the next number that lasts as long as Puppet's do (a shorter one
// puppetserver would replace at its start, with new dates and reasons), and stores it together with
// the audit row before it returns, so that no number is given twice. Throws Failure.
PuppetExport write_puppet_cadir(const ExportSource& source, PuppetCadirWriter& cadir);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_EXPORT_PUPPET_H_
