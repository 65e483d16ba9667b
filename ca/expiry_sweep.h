// Finds the certificates that come near their end, each once for a hook. Internal to HookWorker.
#ifndef COUNTERSIGN_CA_EXPIRY_SWEEP_H_
#define COUNTERSIGN_CA_EXPIRY_SWEEP_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace countersign::ca {

// The hook's mark in the store says up to which notAfter it was told. Certificates that end between
// the mark and `before` from now are listed a page at a time; then the mark moves. Immutable,
// thread-safe.
class ExpirySweep {
 public:
  ExpirySweep(std::string hook, std::chrono::seconds before)
      : hook_(std::move(hook)), before_(before) {}

  struct Page {
    std::vector<store::CertificateRecord> certificates;  // those that their names stand for
    store::PutDocument mark;  // to be written in the commit of what is told of them
    bool more = false;        // another page follows
  };
  // nullopt: nothing new can have come near its end. Blocks for reads of the store.
  Result<std::optional<Page>> next(const store::Store& store, Timestamp now) const;

 private:
  const std::string hook_;
  const std::chrono::seconds before_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_EXPIRY_SWEEP_H_
