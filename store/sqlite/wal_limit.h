// Keeps the write-ahead log small while readers never pause. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_WAL_LIMIT_H_
#define COUNTERSIGN_STORE_SQLITE_WAL_LIMIT_H_

#include <cstdint>
#include <filesystem>

#include "store/sqlite/connection.h"

namespace countersign::store {

// SQLite's own checkpoint after a commit never waits for a reader, and under reads that always
// overlap it never gets to the end, so the log would grow without bound. Over `limit` bytes this
// one waits, for 100 ms at most; if readers are still in the way it tries again when the log has
// grown by another quarter of the limit. Not thread-safe.
class WalLimit {
 public:
  WalLimit(const std::filesystem::path& database, std::uintmax_t limit);

  // Call after a commit. A failure is logged only: what was committed is durable in the log.
  void enforce(Connection& writer);

 private:
  const std::filesystem::path log_;
  const std::uintmax_t limit_;
  std::uintmax_t next_;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_WAL_LIMIT_H_
