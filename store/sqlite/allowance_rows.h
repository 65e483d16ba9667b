// What was used of limits, in SQL. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_ALLOWANCE_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_ALLOWANCE_ROWS_H_

#include <string>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

Allowance select_allowance(Connection& db, const std::string& key);

Result<void> apply_one(Connection& db, const TakeAllowance& m);
Result<void> apply_one(Connection& db, const SettleAllowance& m);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_ALLOWANCE_ROWS_H_
