#include "cli/new_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "cli/failure.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kHidden = 0700;
constexpr mode_t kOpen = 0755;

[[noreturn]] void give_up(const char* doing, const fs::path& path) {
  throw Failure(kFailed, std::string("Cannot ") + doing + " " + path.string() + ": " +
                             std::generic_category().message(errno));
}

// `sync` is syncfs or fsync.
void sync_folder(const fs::path& folder, int (*sync)(int)) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0 || sync(file) != 0) give_up("sync", folder);
  ::close(file);
}

// "out/" is "out": the name of the part is made of it.
fs::path without_slash(const fs::path& dir) {
  fs::path path = fs::absolute(dir).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

[[noreturn]] void refuse_part(const fs::path& part, const std::string& verb) {
  throw Failure(kFailed, part.string() + " is what an " + verb +
                             " that was cut off left, and may hold the CA's key without "
                             "encryption. Remove it, then try again: rm -r " +
                             part.string());
}

}  // namespace

void NewFolder::check(const fs::path& dir, const std::string& verb) {
  const fs::path whole = without_slash(dir);
  std::error_code missing;
  if (fs::exists(fs::symlink_status(whole, missing)) &&
      (!fs::is_directory(whole, missing) || !fs::is_empty(whole, missing))) {
    throw Failure(kFailed, whole.string() +
                               " is there and is not empty. Nothing was changed. Name a folder "
                               "that does not exist yet.");
  }
  const fs::path part = whole.string() + ".part";
  if (fs::exists(fs::symlink_status(part, missing))) refuse_part(part, verb);
}

NewFolder::NewFolder(const fs::path& dir, const std::string& verb)
    : dir_(without_slash(dir)), part_(dir_.string() + ".part") {
  check(dir_, verb);
  if (::mkdir(part_.c_str(), kHidden) == 0) return;
  if (errno == EEXIST) refuse_part(part_, verb);
  give_up("make", part_);
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!published_) fs::remove_all(part_, ignored);
}

void NewFolder::publish() {
  if (::chmod(part_.c_str(), kOpen) != 0) give_up("set the mode of", part_);
  sync_folder(part_, ::syncfs);
  // An empty folder gives way; one that was filled meanwhile does not.
  if (::rename(part_.c_str(), dir_.c_str()) != 0) give_up("rename to its name", part_);
  published_ = true;
  sync_folder(dir_.parent_path(), ::fsync);
}

}  // namespace countersign::cli
