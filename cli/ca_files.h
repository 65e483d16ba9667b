// The files of a CA folder and its store, as `init` writes them, read and held against each other.
#ifndef COUNTERSIGN_CLI_CA_FILES_H_
#define COUNTERSIGN_CLI_CA_FILES_H_

#include <filesystem>
#include <memory>
#include <string>

#include "ca/issuer.h"
#include "store/store.h"

namespace countersign::cli {

// All throw Failure with the file and what to do.

// issuing.key, opened with the passphrase.
x509::PrivateKey load_issuing_key(const std::filesystem::path& dir,
                                  const std::filesystem::path& passphrase_file);
// The key with chain.pem.
std::unique_ptr<ca::Issuer> make_issuer(const std::filesystem::path& dir, x509::PrivateKey key);
// Both.
std::unique_ptr<ca::Issuer> load_issuer(const std::filesystem::path& dir,
                                        const std::filesystem::path& passphrase_file);

// root.crl.pem: the CRLs of the CAs above ours, as PEM. Agents check the whole chain, so one that
// is missing or not of this chain would stop them all: Failure. A CA that signed itself needs no
// file. The authority looks at their times, for a newer one may have been uploaded.
std::string load_parent_crls(const std::filesystem::path& dir, const ca::Issuer& issuer);

// `init` makes the store and nothing else does: a new one in place of a disk that is not mounted
// would refuse every machine and forget every revocation.
std::unique_ptr<store::Store> open_store(const std::filesystem::path& file);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_CA_FILES_H_
