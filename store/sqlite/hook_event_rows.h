// The table of what hooks are to be told. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_HOOK_EVENT_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_HOOK_EVENT_ROWS_H_

#include <string>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

std::vector<HookEventRecord> select_due_events(Connection& db, const std::string& hook,
                                               Timestamp now, std::size_t limit);
std::vector<HookTally> select_hook_tallies(Connection& db);

// As store.h says of the mutations.
Result<void> apply_one(Connection& db, const InsertHookEvent& m);
Result<void> apply_one(Connection& db, const PostponeHookEvent& m);
Result<void> apply_one(Connection& db, const RemoveHookEvent& m);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_HOOK_EVENT_ROWS_H_
