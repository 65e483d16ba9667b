#include "cli/puppet_cadir_writer.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "cli/failure.h"

namespace countersign::cli {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kFolder = 0755;

[[noreturn]] void give_up(const char* doing, const fs::path& path) {
  throw Failure(kFailed, std::string("cannot ") + doing + " " + path.string() + ": " +
                             std::generic_category().message(errno));
}

// Closes by itself; a close that fails loses nothing that the sync would not have found.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, mode_t mode)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) give_up("open", path);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::optional<PuppetCadirWriter::Account> PuppetCadirWriter::puppet_account() {
  if (::geteuid() != 0) return std::nullopt;
  std::vector<char> space(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwnam_r("puppet", &entry, space.data(), space.size(), &found) != 0) return std::nullopt;
  if (found == nullptr) return std::nullopt;
  return Account{entry.pw_uid, entry.pw_gid};
}

PuppetCadirWriter::PuppetCadirWriter(const fs::path& dir)
    : folder_(dir, "export"), owner_(puppet_account()) {
  make_folder(folder_.part() / "signed");
  make_folder(folder_.part() / "requests");
}

void PuppetCadirWriter::make_folder(const fs::path& folder) const {
  // chmod, because the umask has its say in mkdir.
  if (::mkdir(folder.c_str(), kFolder) != 0 || ::chmod(folder.c_str(), kFolder) != 0) {
    give_up("make", folder);
  }
  give(folder);
}

void PuppetCadirWriter::give(const fs::path& folder) const {
  if (owner_ && ::chown(folder.c_str(), owner_->user, owner_->group) != 0) {
    give_up("set the owner of", folder);
  }
}

void PuppetCadirWriter::put(const std::string& name, std::string_view content, int flags,
                            mode_t mode) {
  const fs::path path = folder_.part() / name;
  const Descriptor file(path, O_WRONLY | O_CREAT | O_NOFOLLOW | flags, 0600);
  while (!content.empty()) {
    const ssize_t wrote = ::write(file.get(), content.data(), content.size());
    if (wrote < 0 && errno != EINTR) give_up("write", path);
    if (wrote > 0) content.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (::fchmod(file.get(), mode) != 0 ||
      (owner_ && ::fchown(file.get(), owner_->user, owner_->group) != 0)) {
    give_up("set the owner of", path);
  }
}

void PuppetCadirWriter::write(const std::string& name, std::string_view content, mode_t mode) {
  put(name, content, O_EXCL, mode);
}

void PuppetCadirWriter::append(const std::string& name, std::string_view content) {
  put(name, content, O_APPEND, kPublicFile);
}

void PuppetCadirWriter::publish() {
  give(folder_.part());
  folder_.publish();
}

}  // namespace countersign::cli
