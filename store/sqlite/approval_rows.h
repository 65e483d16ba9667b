// The approvals of requests that need several. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_APPROVAL_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_APPROVAL_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// Oldest first. Throws SqliteError.
std::vector<ApprovalRecord> select_approvals(Connection& db, const std::string& request);
// Those that are for this certificate, but for the person's own. Throws SqliteError.
std::int64_t count_approvals(Connection& db, const std::string& request, const std::string& holds,
                             const std::string& but_for);

// As store.h says of the mutation.
Result<void> apply_one(Connection& db, const AddApproval& m);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_APPROVAL_ROWS_H_
