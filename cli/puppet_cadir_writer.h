// A Puppet CA directory while it is written (contract section 5): all of it or nothing.
#ifndef COUNTERSIGN_CLI_PUPPET_CADIR_WRITER_H_
#define COUNTERSIGN_CLI_PUPPET_CADIR_WRITER_H_

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cli/new_folder.h"

namespace countersign::cli {

// Everything belongs to the user `puppet` where there is one and we are root. Not thread-safe. All
// throw Failure with the path and what the system said.
class PuppetCadirWriter {
 public:
  // Refuses a `dir` that exists and is not empty, and a DIR.part that was left.
  explicit PuppetCadirWriter(const std::filesystem::path& dir);

  const std::filesystem::path& dir() const { return folder_.dir(); }  // absolute

  static constexpr mode_t kPublicFile = 0644;
  static constexpr mode_t kKeyFile = 0640;

  // `name` is relative: "serial", "signed/a.pem".
  void write(const std::string& name, std::string_view content, mode_t mode = kPublicFile);
  // At the end of the file, which is made if need be. For what is too long to hold in memory.
  void append(const std::string& name, std::string_view content);
  // See NewFolder; what is not published is removed.
  void publish();

 private:
  struct Account {
    uid_t user;
    gid_t group;
  };
  static std::optional<Account> puppet_account();
  void give(const std::filesystem::path& folder) const;  // to its owner
  void make_folder(const std::filesystem::path& folder) const;
  void put(const std::string& name, std::string_view content, int flags, mode_t mode);

  NewFolder folder_;
  std::optional<Account> owner_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_CADIR_WRITER_H_
