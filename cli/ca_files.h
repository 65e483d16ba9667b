// The files of a CA folder and its store, as `init` writes them, read and held against each other.
#ifndef COUNTERSIGN_CLI_CA_FILES_H_
#define COUNTERSIGN_CLI_CA_FILES_H_

#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "ca/issuer.h"
#include "store/store.h"
#include "x509/key.h"

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
// Makes audit.key, encrypted, and audit.pub.pem: the key that signs checkpoints of the audit.
// unavailable if the folder cannot be written.
Result<x509::PrivateKey> make_audit_key(const std::filesystem::path& dir, const Secret& passphrase);

// audit.key, opened with the passphrase, and made first if neither it nor audit.pub.pem is there.
// Null, and a line in the log, if there is none and none can be made: under systemd the folder is
// read-only, and a CA must not stand still for that. A key that cannot be read or opened: Failure.
std::shared_ptr<const x509::Signer> load_audit_key(const std::filesystem::path& dir,
                                                   const std::filesystem::path& passphrase_file);

// What a passphrase file holds, without the newline at its end. Throws Failure.
Secret read_passphrase(const std::filesystem::path& file);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_CA_FILES_H_
