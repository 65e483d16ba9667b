// Mutations as SQL. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_WRITER_H_
#define COUNTERSIGN_STORE_SQLITE_WRITER_H_

#include "base/result.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// Applies one mutation inside the open transaction; the failures are those of store.h. There is
// one writer, so what it looks up holds until its commit; the constraints hold in any case.
Result<void> apply_mutation(Connection& connection, const Mutation& mutation);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_WRITER_H_
