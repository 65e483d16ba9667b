// The audit as a chain: every row's hash covers the row and the hash of the row before.
//
// The one place that says which bytes are hashed and signed. Engines hash what they append, and who
// verifies hashes again.
#ifndef COUNTERSIGN_STORE_AUDIT_CHAIN_H_
#define COUNTERSIGN_STORE_AUDIT_CHAIN_H_

#include "base/bytes.h"
#include "store/records.h"

namespace countersign::store {

// SHA-256. Given by who opens an engine: cryptography is no business of the store.
using Digest = Bytes (*)(ByteView);

// What stands for the hash of the row before the first: 32 zeros.
Bytes chain_start();

// SHA-256 over a tag, `before`, and sequence, time and texts of the row, each text with its length
// in front so that no two rows have the same bytes. `row.hash` is not looked at.
Bytes chain_hash(Digest sha256, ByteView before, const AuditRecord& row);

// What the signature of a checkpoint is made over: a tag of its own, sequence, hash and time.
Bytes checkpoint_content(const AuditCheckpoint& checkpoint);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_AUDIT_CHAIN_H_
