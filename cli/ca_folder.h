// What a new CA folder holds beside its keys and certificates, as `init` and `import puppet` write
// it: passphrase, first operator, and the files that start a service.
#ifndef COUNTERSIGN_CLI_CA_FOLDER_H_
#define COUNTERSIGN_CLI_CA_FOLDER_H_

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ca/issuer.h"
#include "store/store.h"

namespace CLI {
class App;
}

namespace countersign::cli {

// Modes of what only its owner may read, and of the rest.
inline constexpr mode_t kPrivate = 0600;
inline constexpr mode_t kPublic = 0644;

struct FolderOptions {
  std::vector<std::string> hostnames;
  std::string listen = "0.0.0.0:8140";
  std::string passphrase_file;
};

// --hostname, --listen, --passphrase-file.
void add_folder_options(CLI::App& verb, FolderOptions& options);
// What would only fail later, at the first start or the first connection: Failure, kUsage.
void check_folder_options(const FolderOptions& options);

// The names that are written: those of --hostname, else the machine's own; and the loopback's.
std::vector<std::string> all_hostnames(const FolderOptions& options);

// Makes `dir` and `dir`/ca where they are missing, for the service's user to enter whatever the
// umask is: what is secret in them has a mode of its own. Throws Failure.
void make_folders(const std::filesystem::path& dir);

// The functions below write into `dir`, whose folder `ca` exists, and throw Failure.

void write_file(const std::filesystem::path& path, std::string_view content, mode_t mode);
// The passphrase of the keys: what --passphrase-file holds, or a new one in ca/passphrase.
Secret folder_passphrase(const FolderOptions& options, const std::filesystem::path& dir);
// operator.pem and operator.key, a client certificate with pp_cli_auth. It goes through the same
// door as any other, and into the store, so that it can be revoked. The batch also holds the issuer
// and the audit row; `by` is the verb.
store::WriteBatch make_operator(const std::filesystem::path& dir, const ca::Issuer& issuer,
                                const std::string& certname, const std::string& by);
void apply(store::Store& store, store::WriteBatch batch);
// Makes the audit's key and signs a checkpoint over the rows so far: with it the audit can be
// verified from its first row on.
void sign_first_audit(store::Store& store, const std::filesystem::path& dir,
                      const Secret& passphrase);
void write_policy(const std::filesystem::path& dir);
void write_client(const FolderOptions& options, const std::filesystem::path& dir);
// Write it last: it tells a whole CA from a part of one. `more`: further tables.
void write_config(const FolderOptions& options, const std::filesystem::path& dir,
                  const std::string& more = "");

// A TOML basic string.
std::string quoted(const std::string& text);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_CA_FOLDER_H_
