// The parts of read_puppet_cadir. Internal. Each notes what is wrong in cadir.findings.
#ifndef COUNTERSIGN_CLI_PUPPET_CADIR_PARTS_H_
#define COUNTERSIGN_CLI_PUPPET_CADIR_PARTS_H_

#include "cli/puppet_cadir.h"

namespace countersign::cli::cadir {

inline constexpr std::size_t kPemBytes = std::size_t{1} << 20U;
inline constexpr std::size_t kListBytes = std::size_t{1} << 28U;  // inventory and CRLs

// The content, or nothing and a finding.
std::optional<std::string> read(const std::filesystem::path& folder, const std::string& name,
                                std::size_t limit, Severity severity, Findings& findings);

// ca_key.pem and ca_crt.pem: cadir.issuer.
void read_issuer(PuppetCadir& cadir, const std::filesystem::path& folder,
                 std::string_view key_passphrase, const Clock& clock, const Random& random);
// ca_crl.pem and infra_crl.pem: crl, revoked, parent_crls. Needs the issuer.
void read_crls(PuppetCadir& cadir, const std::filesystem::path& folder, Timestamp now);
// signed/ and requests/. Needs the issuer.
void read_signed(PuppetCadir& cadir, const std::filesystem::path& folder);
void read_requests(PuppetCadir& cadir, const std::filesystem::path& folder, const Random& random);

}  // namespace countersign::cli::cadir

#endif  // COUNTERSIGN_CLI_PUPPET_CADIR_PARTS_H_
