#include "base/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace countersign {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error system_error(std::string_view what, const std::filesystem::path& path, int number) {
  const Code code = number == ENOENT ? Code::not_found : Code::unavailable;
  return fail(code, std::string(what) + " " + path.string() + ": " +
                        std::generic_category().message(number));
}

class SystemFiles final : public FileSystem {
 public:
  Result<std::string> read(const std::filesystem::path& path, std::size_t limit) const override {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return system_error("cannot open", path, errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return system_error("cannot read", path, errno);
    if (S_ISDIR(status.st_mode)) return system_error("cannot read", path, EISDIR);
    std::string content;
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
      if (got < 0) {
        if (errno == EINTR) continue;
        return system_error("cannot read", path, errno);
      }
      if (got == 0) return content;
      if (content.size() + static_cast<std::size_t>(got) > limit) {
        return fail(Code::too_large,
                    path.string() + " is larger than " + std::to_string(limit) + " bytes");
      }
      content.append(buffer, static_cast<std::size_t>(got));
    }
  }

  Result<void> write(const std::filesystem::path& path, std::string_view content,
                     mode_t mode) const override {
    // A name of its own, and 0600 at first: two writers do not share a file, and nobody who may not
    // read the new content can have it open.
    std::string part = path.string() + ".XXXXXX";
    const Descriptor file(::mkostemp(part.data(), O_CLOEXEC));
    if (!file.valid()) return system_error("cannot create", part, errno);
    auto written = fill(file.get(), part, content, mode);
    if (written && ::rename(part.c_str(), path.c_str()) != 0) {
      written = system_error("cannot rename", part, errno);
    }
    if (!written) {
      ::unlink(part.c_str());
      return written;
    }
    const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
    const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || ::fsync(folder.get()) != 0) {
      return system_error("cannot sync", parent, errno);
    }
    return {};
  }

 private:
  static Result<void> fill(int file, const std::string& part, std::string_view content,
                           mode_t mode) {
    if (::fchmod(file, mode) != 0) return system_error("cannot chmod", part, errno);
    while (!content.empty()) {
      const ssize_t put = ::write(file, content.data(), content.size());
      if (put < 0) {
        if (errno == EINTR) continue;
        return system_error("cannot write", part, errno);
      }
      content.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file) != 0) return system_error("cannot sync", part, errno);
    return {};
  }
};

}  // namespace

const FileSystem& system_files() {
  static const SystemFiles files;
  return files;
}

}  // namespace countersign
