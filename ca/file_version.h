// What tells one version of a watched file from another. Internal to ca/.
#ifndef COUNTERSIGN_CA_FILE_VERSION_H_
#define COUNTERSIGN_CA_FILE_VERSION_H_

#include <cstdint>
#include <filesystem>

namespace countersign::ca {

struct FileVersion {
  std::filesystem::path file;
  std::int64_t changed = 0;  // ctime: a rename over the file counts, whatever its mtime
  std::uintmax_t size = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileVersion&) const = default;
};

// All zero if the file is not there.
FileVersion version_of(const std::filesystem::path& file);

// Take it before a file is read, and the versions with since() after that.
class ReadBegin {
 public:
  ReadBegin();
  // `version` to remember. One that may have changed after it was read is made to differ from any
  // look at the file, so that it is read once more.
  FileVersion since(FileVersion version) const;

 private:
  std::int64_t at_;  // nanoseconds of the clock of file times
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_FILE_VERSION_H_
