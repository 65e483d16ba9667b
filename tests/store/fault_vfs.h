// A disk that fails as it is told: SQLite's own file layer with every step that changes a file
// counted, refused or done by half on demand, and a power cut that can be taken at any of them.
// What a cut leaves is described in docs/decisions/0018-faults.md.
#ifndef COUNTERSIGN_TESTS_STORE_FAULT_VFS_H_
#define COUNTERSIGN_TESTS_STORE_FAULT_VFS_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace countersign::store {

// The default file layer of every database that is opened while it lives. One at a time; outlives
// every connection that was opened under it. Thread-safe.
class FaultVfs {
 public:
  // Steps that change a file, or the folder.
  enum Step : unsigned {
    kWrite = 1,
    kSync = 2,
    kTruncate = 4,
    kCreate = 8,
    kRemove = 16,
    kGrowIndex = 32,  // the shared memory of the log's index
    kEvery = 63,
  };
  enum class Effect {
    none,      // the steps are counted only
    io_error,  // EIO; of a sync: what was not durable may never become so, whatever later syncs say
    short_write,  // half of it is written, then EIO
    full,         // ENOSPC: half of the first write is written, and nothing from then on
    power_cut,    // the step is not done, nor is any after it
  };

  explicit FaultVfs(std::uint64_t seed = 1);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // From now on counts steps of these kinds; the nth (from 1) has the effect. `full` and
  // `power_cut` last until heal().
  void plan(unsigned steps, std::size_t nth, Effect effect);
  void heal();
  std::size_t counted() const;  // since plan()
  bool struck() const;          // has the effect come about?

  // What the files hold after a power cut now; another seed, another outcome. By path.
  std::map<std::string, std::string> after_power_cut(std::uint64_t seed) const;

 private:
  struct Handle;
  struct Change {
    bool truncate = false;
    std::size_t offset = 0;  // the new size of a truncation
    std::string data;
  };
  struct File {
    std::string durable;
    std::vector<Change> pending;  // since the last sync
  };
  // A name in the folder: what it stands for, and for what until the folder was synced.
  struct Name {
    std::shared_ptr<File> now;
    std::shared_ptr<File> durable;
  };
  enum class Verdict { go, fail, half };

  Verdict next(Step step);
  static int code_of(Step step, Effect effect);
  int refusal(Step step) const;
  void sync_names();
  static std::string survivor(const File& file, std::mt19937_64& random);

  static int open(::sqlite3_vfs*, const char*, ::sqlite3_file*, int, int*);
  static int remove(::sqlite3_vfs*, const char*, int);
  static int close(::sqlite3_file*);
  static int write(::sqlite3_file*, const void*, int, ::sqlite3_int64);
  static int truncate(::sqlite3_file*, ::sqlite3_int64);
  static int sync(::sqlite3_file*, int);
  static int map_index(::sqlite3_file*, int, int, int, void volatile**);
  static const ::sqlite3_io_methods* methods();

  static inline FaultVfs* active_ = nullptr;
  ::sqlite3_vfs* const original_;
  ::sqlite3_vfs vfs_;
  mutable std::mutex mutex_;  // guards the rest
  std::map<std::string, Name> names_;
  std::mt19937_64 random_;
  unsigned steps_ = 0;
  std::size_t nth_ = 0;
  Effect effect_ = Effect::none;
  std::size_t counted_ = 0;
  bool struck_ = false;
  bool lasting_ = false;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_FAULT_VFS_H_
