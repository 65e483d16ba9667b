// The few things that the program does with files, behind an interface so that tests can make
// them fail.
#ifndef COUNTERSIGN_BASE_FILE_SYSTEM_H_
#define COUNTERSIGN_BASE_FILE_SYSTEM_H_

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace countersign {

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The whole content. not_found if there is no such file, too_large over `limit` bytes,
  // unavailable for any other failure; the detail names the path and what the system said.
  virtual Result<std::string> read(const std::filesystem::path& path, std::size_t limit) const = 0;

  // Writes a new file beside `path`, syncs it, renames it over `path` and syncs the folder: after
  // a crash there is the old content or the new, never a mixture.
  virtual Result<void> write(const std::filesystem::path& path, std::string_view content,
                             mode_t mode) const = 0;
};

const FileSystem& system_files();

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_FILE_SYSTEM_H_
