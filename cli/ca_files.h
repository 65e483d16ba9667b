// The files of a CA folder, as `init` writes them, read and held against each other.
#ifndef COUNTERSIGN_CLI_CA_FILES_H_
#define COUNTERSIGN_CLI_CA_FILES_H_

#include <filesystem>
#include <memory>
#include <string>

#include "ca/issuer.h"

namespace countersign::cli {

// issuing.key, opened with the passphrase, and chain.pem. Throws Failure with the file and what to
// do.
std::unique_ptr<ca::Issuer> load_issuer(const std::filesystem::path& dir,
                                        const std::filesystem::path& passphrase_file);

// root.crl.pem: the CRLs of the CAs above ours. Agents check the whole chain, so one that is not of
// this chain, or is past its nextUpdate, would stop them all: Failure. A chain of one needs no
// file.
std::string load_parent_crls(const std::filesystem::path& dir, const ca::Issuer& issuer);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_CA_FILES_H_
