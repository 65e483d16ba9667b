#include "store/sqlite/wal_limit.h"

#include <system_error>

#include "base/log.h"

namespace countersign::store {

WalLimit::WalLimit(const std::filesystem::path& database, std::uintmax_t limit)
    : log_(database.string() + "-wal"), limit_(limit), next_(limit) {}

void WalLimit::enforce(Connection& writer) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(log_, error);
  if (error || size <= next_) return;
  next_ = size + limit_ / 4;
  try {
    if (writer.truncate_wal(std::chrono::milliseconds(100))) {
      next_ = limit_;
      return;
    }
    log::warn("store_log_large", {{"file", log_.string()}, {"bytes", size}});
  } catch (const SqliteError& failure) {
    log::warn("store_checkpoint_failed", {{"file", log_.string()}, {"cause", failure.what()}});
  }
}

}  // namespace countersign::store
