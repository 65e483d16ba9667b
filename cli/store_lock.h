// One service a store: a second one would serve a CRL that knows nothing of the first one's
// revocations.
#ifndef COUNTERSIGN_CLI_STORE_LOCK_H_
#define COUNTERSIGN_CLI_STORE_LOCK_H_

#include <filesystem>

namespace countersign::cli {

// Holds FILE.lock for as long as it lives; the system frees it when the process dies. Throws
// Failure if another holds it, or if it cannot be made.
class StoreLock {
 public:
  explicit StoreLock(const std::filesystem::path& store);
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  ~StoreLock();

 private:
  int file_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_STORE_LOCK_H_
