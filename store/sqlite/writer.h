// Mutations as SQL. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_WRITER_H_
#define COUNTERSIGN_STORE_SQLITE_WRITER_H_

#include "base/result.h"
#include "store/audit_chain.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// Applies one batch inside the open transaction, all of it or nothing; the failures are those of
// store.h. There is one writer, so what it looks up holds until its commit; should a constraint of
// the tables object in spite of that, the batch is a conflict. Throws SqliteError if the engine
// itself failed.
Result<void> apply_batch(Connection& connection, Digest sha256, const WriteBatch& batch);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_WRITER_H_
