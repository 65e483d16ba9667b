#include "cli/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace countersign::cli {
namespace {

Error system_error(int number) {
  const Code code = number == ENOENT ? Code::not_found : Code::unavailable;
  return fail(code, "it cannot be read: " + std::generic_category().message(number) + ".");
}

Result<SourceFile> read_open(int file, std::size_t limit) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return system_error(errno);
  if (S_ISDIR(status.st_mode)) return fail(Code::unavailable, "it is a folder, not a file.");
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::unavailable, "it is no regular file (a FIFO, a socket or a device).");
  }
  const auto large = [limit] {
    return fail(Code::too_large, "it is larger than " + std::to_string(limit) + " bytes.");
  };
  if (status.st_size > 0 && static_cast<std::size_t>(status.st_size) > limit) return large();
  SourceFile source;
  source.modified = Timestamp(std::chrono::seconds(status.st_mtim.tv_sec) +
                              std::chrono::milliseconds(status.st_mtim.tv_nsec / 1'000'000));
  // One more than it has, so that its end is seen at once; it may grow meanwhile.
  source.content.resize(static_cast<std::size_t>(status.st_size) + 1);
  for (std::size_t filled = 0;;) {
    const ssize_t got =
        ::read(file, source.content.data() + filled, source.content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno);
    filled += static_cast<std::size_t>(got);
    if (filled > limit) return large();
    if (got == 0) {
      source.content.resize(filled);
      return source;
    }
    if (filled == source.content.size()) source.content.resize(filled * 2);
  }
}

}  // namespace

Result<SourceFile> read_source(const std::filesystem::path& path, std::size_t limit) {
  // O_NONBLOCK: the opening of a FIFO that nobody writes to would wait for ever.
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) {
    struct stat link {};
    if (errno == ENOENT && ::lstat(path.c_str(), &link) == 0) {
      return fail(Code::unavailable, "it is a symbolic link that leads nowhere.");
    }
    return system_error(errno);
  }
  auto source = read_open(file, limit);
  ::close(file);
  return source;
}

SourceState source_state(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {.there = true,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

}  // namespace countersign::cli
