// One service a store: a second one would serve a CRL that knows nothing of the first one's
// revocations.
#ifndef COUNTERSIGN_CLI_STORE_LOCK_H_
#define COUNTERSIGN_CLI_STORE_LOCK_H_

#include <filesystem>

namespace countersign::cli {

// Two locks, held for as long as it lives: on FILE.lock beside the file that symbolic links lead
// to, where the holder's pid and host are written, and on the store itself, which a hard link may
// give another name. The system frees both when the process dies, so none is ever stale. Throws
// Failure, which names the holder, if one is held, and if one cannot be made. Must outlive every
// connection of this process to the store: a descriptor that is closed takes SQLite's locks with
// it.
class StoreLock {
 public:
  explicit StoreLock(const std::filesystem::path& store);
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  ~StoreLock();

 private:
  class Descriptor {
   public:
    Descriptor() = default;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    int number = -1;
  };
  Descriptor beside_, itself_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_STORE_LOCK_H_
