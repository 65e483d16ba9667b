#include "store/memory/memory_store.h"

#include "store/sqlite/sqlite_store.h"

namespace countersign::store {}  // namespace countersign::store
