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

constexpr mode_t kHidden = 0700;
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

// "out/" is "out": the name of the part is made of it.
fs::path without_slash(const fs::path& dir) {
  const fs::path path = fs::absolute(dir).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

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
    : dir_(without_slash(dir)), part_(dir_.string() + ".part"), owner_(puppet_account()) {
  std::error_code missing;
  if (fs::exists(fs::symlink_status(dir_, missing)) &&
      (!fs::is_directory(dir_, missing) || !fs::is_empty(dir_, missing))) {
    throw Failure(kFailed, dir_.string() +
                               " is there and is not empty. Nothing was changed. Name a folder "
                               "that does not exist yet.");
  }
  if (::mkdir(part_.c_str(), kHidden) != 0) {
    if (errno != EEXIST) give_up("make", part_);
    throw Failure(kFailed, part_.string() +
                               " is left of an export that was cut off, and may hold the CA's key "
                               "without encryption. Remove it: rm -r " +
                               part_.string());
  }
  try {
    make_folder(part_ / "signed");
    make_folder(part_ / "requests");
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(part_, ignored);
    throw;
  }
}

PuppetCadirWriter::~PuppetCadirWriter() {
  std::error_code ignored;
  if (!published_) fs::remove_all(part_, ignored);
}

void PuppetCadirWriter::make_folder(const fs::path& folder) {
  // chmod, because the umask has its say in mkdir.
  if (::mkdir(folder.c_str(), kFolder) != 0 || ::chmod(folder.c_str(), kFolder) != 0 ||
      (owner_ && ::chown(folder.c_str(), owner_->user, owner_->group) != 0)) {
    give_up("make", folder);
  }
}

void PuppetCadirWriter::put(const std::string& name, std::string_view content, int flags,
                            mode_t mode) {
  const fs::path path = part_ / name;
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
  const Descriptor folder(part_, O_RDONLY | O_DIRECTORY, 0);
  if (::fchmod(folder.get(), kFolder) != 0 ||
      (owner_ && ::fchown(folder.get(), owner_->user, owner_->group) != 0)) {
    give_up("set the owner of", part_);
  }
  if (::syncfs(folder.get()) != 0) give_up("sync", part_);
  // An empty folder gives way; one that was filled meanwhile does not.
  if (::rename(part_.c_str(), dir_.c_str()) != 0) give_up("rename to its name", part_);
  published_ = true;
  const Descriptor parent(dir_.parent_path(), O_RDONLY | O_DIRECTORY, 0);
  if (::fsync(parent.get()) != 0) give_up("sync", dir_.parent_path());
}

}  // namespace countersign::cli
