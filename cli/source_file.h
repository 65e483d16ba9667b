// Reading from a folder that is another program's, and may be in use.
#ifndef COUNTERSIGN_CLI_SOURCE_FILE_H_
#define COUNTERSIGN_CLI_SOURCE_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace countersign::cli {

struct SourceFile {
  std::string content;
  Timestamp modified;
};

// Opened for reading only. Never waits: a FIFO, a device or a folder is refused, a symbolic link is
// followed to a file. not_found if there is nothing; too_large over `limit` bytes; the details name
// no path. Thread-safe.
Result<SourceFile> read_source(const std::filesystem::path& path, std::size_t limit);

// What changes when a file or a folder changes.
struct SourceState {
  bool there = false;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  bool operator==(const SourceState&) const = default;
};
SourceState source_state(const std::filesystem::path& path);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_SOURCE_FILE_H_
