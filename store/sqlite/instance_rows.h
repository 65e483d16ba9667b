// The table of cloud instances. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_INSTANCE_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_INSTANCE_ROWS_H_

#include <optional>
#include <string>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

std::optional<InstanceRecord> select_instance(Connection& db, const std::string& kind,
                                              const std::string& subject);

// As store.h says of the mutation.
Result<void> apply_one(Connection& db, const BindInstance& m);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_INSTANCE_ROWS_H_
