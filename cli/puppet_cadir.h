// A Puppet CA directory (contract section 5), read as a whole and held against itself. Nothing in
// it is written to.
#ifndef COUNTERSIGN_CLI_PUPPET_CADIR_H_
#define COUNTERSIGN_CLI_PUPPET_CADIR_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ca/issuer.h"
#include "cli/findings.h"
#include "cli/puppet_inventory.h"
#include "cli/puppet_merge.h"
#include "store/records.h"
#include "x509/crl.h"

namespace countersign::cli {

struct PuppetCadir {
  std::unique_ptr<ca::Issuer> issuer;  // null after a fatal finding about key or chain
  Secret key_pem;                      // of the issuer, not encrypted
  Bytes next_serial;
  std::vector<InventoryRow> inventory;
  std::shared_ptr<const x509::Crl> crl;         // ours, the one with the highest number
  Revocations revoked;                          // of every CRL of ours
  std::string parent_crls;                      // PEM, in chain order; "" for a chain of one
  std::vector<store::CertificateRecord> files;  // of signed/, by name; `current` if the name is its
                                                // CN; without revocations
  std::vector<store::RequestRecord> requests;   // of requests/
  std::optional<std::string> infra_inventory;   // content of infra_inventory.txt
  std::optional<std::string> infra_crl;         // content of infra_crl.pem
  std::shared_ptr<const x509::Crl> own_infra;   // ours in it, the one with the highest number
  Findings findings;
  // Did a file change while it was read? Then the rest means nothing.
  bool changed = false;
};

// `key_passphrase` opens an encrypted key. Uses every core. What is wrong is in `findings`; throws
// Failure only if there is no such folder.
PuppetCadir read_puppet_cadir(const std::filesystem::path& folder, std::string_view key_passphrase,
                              const Clock& clock, const Random& random);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_CADIR_H_
