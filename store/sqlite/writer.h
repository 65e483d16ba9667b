// Mutations as SQL. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_WRITER_H_
#define COUNTERSIGN_STORE_SQLITE_WRITER_H_

#include <span>
#include <vector>

#include "base/result.h"
#include "store/audit_chain.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// Applies each batch, all of it or nothing, and commits the group; the failures are those of
// store.h. There is one writer, so what a batch looks up holds until its commit; should a
// constraint of the tables object in spite of that, the batch is a conflict. Throws SqliteError if
// the engine itself failed; what became of the transaction is then not known.
//
// A savepoint a batch has SQLite copy every page that the batch writes, which is most of the work
// of a commit. Hardly a batch fails after its first write, so there are savepoints only in a second
// try after one did.
std::vector<Result<void>> commit_group(Connection& connection, Digest sha256,
                                       std::span<const WriteBatch> batches);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_WRITER_H_
