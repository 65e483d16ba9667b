#include "ca/file_version.h"

#include <sys/stat.h>
#include <time.h>

namespace countersign::ca {

FileVersion version_of(const std::filesystem::path& file) {
  FileVersion version{.file = file};
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return version;
  version.changed = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
  version.size = static_cast<std::uintmax_t>(status.st_size);
  version.inode = status.st_ino;
  return version;
}

ReadBegin::ReadBegin() {
  // The kernel moves the clock of file times on in ticks.
  constexpr std::int64_t kTick = 20'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  at_ = now.tv_sec * 1'000'000'000 + now.tv_nsec - kTick;
}

FileVersion ReadBegin::since(FileVersion version) const {
  if (version.changed >= at_) version.changed = -1;
  return version;
}

}  // namespace countersign::ca
