// The default engine: one SQLite file.
#ifndef COUNTERSIGN_STORE_SQLITE_SQLITE_STORE_H_
#define COUNTERSIGN_STORE_SQLITE_SQLITE_STORE_H_

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace countersign::store {

// Opens (or makes) the file: WAL, synchronous=FULL. An older schema is migrated forward after a
// backup `FILE.v<N>.backup` was made; a newer one is refused: unavailable with what to do.
// `sha256` chains the audit.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& file, Digest sha256);

// For reading alone, while a service may run: every apply() is unavailable, and nothing is made,
// migrated or locked. A schema that is not the newest is refused: unavailable with what to do.
Result<std::unique_ptr<Store>> read_sqlite_store(const std::filesystem::path& file);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_SQLITE_STORE_H_
