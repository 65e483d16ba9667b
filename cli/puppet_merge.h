// Inventory, files and CRL of a Puppet CA directory as the rows of a store.
#ifndef COUNTERSIGN_CLI_PUPPET_MERGE_H_
#define COUNTERSIGN_CLI_PUPPET_MERGE_H_

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cli/findings.h"
#include "cli/puppet_inventory.h"
#include "store/records.h"

namespace countersign::cli {

// Serials as numbers; both without leading zero.
struct SerialOrder {
  bool operator()(const Bytes& one, const Bytes& other) const {
    return one.size() != other.size() ? one.size() < other.size() : as_text(one) < as_text(other);
  }
};
using Revocations = std::map<Bytes, store::Revocation, SerialOrder>;

// One row a serial: those of the inventory in its order, then what only signed/ knows, then what
// only the CRL knows. What has no file has no DER, stands for no name, and its certname is the
// subject of the inventory without "CN=": what no machine is called if there is more than a CN.
// What only the CRL knows is ca::kUnknownCertname until `ca_ends`, so that it stays in the CRL.
// `files`: one a certificate in signed/, without revocations. What does not fit together is noted.
std::vector<store::CertificateRecord> merge_certificates(
    const std::vector<InventoryRow>& inventory, std::vector<store::CertificateRecord> files,
    const Revocations& revoked, const std::string& issuer, Timestamp ca_ends, Findings& findings);

// Notes a next serial that was given already.
void check_next_serial(const Bytes& next, const std::vector<store::CertificateRecord>& rows,
                       Findings& findings);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_MERGE_H_
