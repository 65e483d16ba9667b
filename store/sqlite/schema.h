// The tables, as numbered migrations. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_SCHEMA_H_
#define COUNTERSIGN_STORE_SQLITE_SCHEMA_H_

#include <span>

namespace countersign::store {

// Migration i (from 0) takes the schema from version i to i + 1. Never changed once released.
std::span<const char* const> migrations();

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_SCHEMA_H_
