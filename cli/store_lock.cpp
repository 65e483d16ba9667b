#include "cli/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "cli/failure.h"

namespace countersign::cli {

StoreLock::StoreLock(const std::filesystem::path& store) {
  const std::string path = store.string() + ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) {
    throw Failure(kFailed, "Cannot make " + path + ": " + std::strerror(errno) +
                               ". The service must be able to write to the folder of its store.");
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(file_);
  throw Failure(kFailed, store.string() +
                             ": another countersign serves this store. Stop it first, or name "
                             "another store.");
}

StoreLock::~StoreLock() { ::close(file_); }

}  // namespace countersign::cli
