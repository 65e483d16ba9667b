// Signs the audit: every N rows, after a while, and at the end, and looks before it signs.
#ifndef COUNTERSIGN_CA_AUDIT_CHECKPOINTER_H_
#define COUNTERSIGN_CA_AUDIT_CHECKPOINTER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/committer.h"
#include "store/store.h"
#include "x509/key.h"

namespace countersign::ca {

// A checkpoint of `row`, signed. The row must hold its hash.
Result<store::AuditCheckpoint> sign_checkpoint(const x509::Signer& key,
                                               const store::AuditRecord& row, Timestamp now);

// Thread-safe. keep() and close() block for reads, one signature and one commit: not for a
// request's path.
//
// Each row is hashed again before a checkpoint covers it, and where it must follow is kept in
// memory: rows that were changed under a running service are not signed unseen. What is found is
// written to the log (audit_broken) and into the audit, and the chain is taken up from there.
class AuditCheckpointer {
 public:
  // A null key: nothing is ever signed.
  AuditCheckpointer(std::shared_ptr<const x509::Signer> key, store::Store& store,
                    store::Committer& committer, const Clock& clock, std::int64_t rows,
                    std::chrono::seconds interval);

  // Takes up new rows, at most 10,000 a call, and signs if `rows` of them, or `interval` with any
  // at all, have gone by since the last checkpoint, or if it is the first since the start.
  Result<void> keep();
  // Takes up all that there is, and signs unless that is signed already.
  Result<void> close();
  // There is a key, and nothing was found broken since the start.
  bool kept() const { return key_ != nullptr && whole_.load(); }

 private:
  Result<void> begin();
  Result<bool> take_up();  // did it reach the end?
  Result<void> sign();
  void broken(std::int64_t sequence, const std::string& what);

  const std::shared_ptr<const x509::Signer> key_;
  store::Store& store_;
  store::Committer& committer_;
  const Clock& clock_;
  const std::int64_t rows_;
  const std::chrono::seconds interval_;
  std::atomic<bool> whole_{true};

  std::mutex mutex_;  // guards the rest
  bool begun_ = false;
  store::AuditRecord end_;   // the last row that was taken up; sequence 0: none
  std::int64_t signed_ = 0;  // sequence of the last checkpoint
  Timestamp signed_at_;      // epoch: none since the start
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AUDIT_CHECKPOINTER_H_
