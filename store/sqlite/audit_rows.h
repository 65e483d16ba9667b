// The audit and its checkpoints as rows. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_AUDIT_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_AUDIT_ROWS_H_

#include <optional>
#include <vector>

#include "store/audit_chain.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// Each as store.h says of the mutation or read. They throw SqliteError.

// `by_certificate`: a certificate of the name that is its subject will have the sequence, which is
// returned, in its column `audit`, and the row is found by that.
std::int64_t append_audit(Connection& db, Digest sha256, const AuditRecord& row,
                          bool by_certificate);
Result<void> append_audit_checkpoint(Connection& db, const AuditCheckpoint& checkpoint);

AuditPage select_audit_rows(Connection& db, const AuditQuery& query);
std::vector<AuditCheckpoint> select_audit_checkpoints(Connection& db, std::int64_t after,
                                                      std::size_t limit);
std::optional<AuditCheckpoint> select_last_audit_checkpoint(Connection& db);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_AUDIT_ROWS_H_
