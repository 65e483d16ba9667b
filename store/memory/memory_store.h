// An engine for tests: everything in memory, the same rules.
#ifndef COUNTERSIGN_STORE_MEMORY_MEMORY_STORE_H_
#define COUNTERSIGN_STORE_MEMORY_MEMORY_STORE_H_

#include <memory>

#include "store/audit_chain.h"
#include "store/store.h"

namespace countersign::store {

// Keeps nothing after it is destroyed. reopen() always succeeds.
std::unique_ptr<Store> make_memory_store(Digest sha256);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_MEMORY_MEMORY_STORE_H_
