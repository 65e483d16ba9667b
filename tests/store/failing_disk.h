// A disk that can be told to fail: SQLite's own file layer with the writes and syncs counted, and
// refused on demand. Installed for every database that is opened while it lives.
#ifndef COUNTERSIGN_TESTS_STORE_FAILING_DISK_H_
#define COUNTERSIGN_TESTS_STORE_FAILING_DISK_H_

#include <sqlite3.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

namespace countersign::store {

// One at a time. Outlives every connection that was opened under it.
class FailingDisk {
 public:
  FailingDisk() : original_(::sqlite3_vfs_find(nullptr)), vfs_(*original_) {
    active_ = this;
    vfs_.zName = "failing-disk";
    vfs_.xOpen = open;
    ::sqlite3_vfs_register(&vfs_, 1);
  }
  ~FailingDisk() {
    ::sqlite3_vfs_unregister(&vfs_);
    ::sqlite3_vfs_register(original_, 1);
    active_ = nullptr;
  }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  std::atomic<bool> full{false};           // writes fail: SQLITE_FULL
  std::atomic<bool> fails_to_sync{false};  // SQLITE_IOERR_FSYNC
  std::atomic<int> log_syncs{0};           // of write-ahead logs

 private:
  // The file layer's methods for a kind of file, and ours in their place.
  struct Methods {
    ::sqlite3_io_methods ours;
    const ::sqlite3_io_methods* original;
  };

  static int open(::sqlite3_vfs*, const char* name, ::sqlite3_file* file, int flags, int* out) {
    FailingDisk& disk = *active_;
    const int code = disk.original_->xOpen(disk.original_, name, file, flags, out);
    if (code != SQLITE_OK || file->pMethods == nullptr) return code;
    const bool log = (flags & SQLITE_OPEN_WAL) != 0;
    const std::lock_guard lock(disk.mutex_);
    auto& methods = disk.methods_[{file->pMethods, log}];
    if (!methods) {
      methods = std::make_unique<Methods>(Methods{*file->pMethods, file->pMethods});
      methods->ours.xWrite = write;
      methods->ours.xSync = log ? sync_log : sync;
    }
    file->pMethods = &methods->ours;
    return code;
  }

  // `ours` is the first member.
  static const ::sqlite3_io_methods& original(const ::sqlite3_file* file) {
    return *reinterpret_cast<const Methods*>(file->pMethods)->original;
  }

  static int write(::sqlite3_file* file, const void* data, int size, ::sqlite3_int64 offset) {
    if (active_->full.load()) return SQLITE_FULL;
    return original(file).xWrite(file, data, size, offset);
  }
  static int sync(::sqlite3_file* file, int flags) {
    if (active_->fails_to_sync.load()) return SQLITE_IOERR_FSYNC;
    return original(file).xSync(file, flags);
  }
  static int sync_log(::sqlite3_file* file, int flags) {
    ++active_->log_syncs;
    return sync(file, flags);
  }

  static inline FailingDisk* active_ = nullptr;
  ::sqlite3_vfs* original_;
  ::sqlite3_vfs vfs_;
  std::mutex mutex_;  // guards methods_
  std::map<std::pair<const ::sqlite3_io_methods*, bool>, std::unique_ptr<Methods>> methods_;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_FAILING_DISK_H_
