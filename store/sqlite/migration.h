// Brings a store to the schema of this program. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_MIGRATION_H_
#define COUNTERSIGN_STORE_SQLITE_MIGRATION_H_

#include <filesystem>
#include <span>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace countersign::store {

// Brings the file to the newest version: each step in a transaction of its own, after a backup
// FILE.v<N>.backup if there was anything to lose. unavailable if the file is newer than we are, or
// another program's. Throws SqliteError; the file is then at the version of the last whole step.
Result<void> migrate(Connection& connection, const std::filesystem::path& file,
                     std::span<const char* const> steps);

// unavailable unless the file is at the newest version. Throws SqliteError.
Result<void> check_version(Connection& connection, const std::filesystem::path& file);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_MIGRATION_H_
