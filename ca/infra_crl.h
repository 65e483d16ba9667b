// The CRL of the few machines that every agent talks to, the CA and the compilers: a short list in
// place of the full one (Puppet contract 4.5).
#ifndef COUNTERSIGN_CA_INFRA_CRL_H_
#define COUNTERSIGN_CA_INFRA_CRL_H_

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ca/file_version.h"
#include "ca/infra_inventory.h"
#include "ca/issuer.h"
#include "store/store.h"

namespace countersign::ca {

// Its numbers are its own. The last one is kept whole, as the document "infra" of the space "crl":
// the number is within, it is written in the batch of the full CRL, and the compare-and-set lets no
// number be given twice. CrlRecord would not do: the store keeps one of those an issuer.
//
// Only inventory_changed() is thread-safe; the publisher calls the rest one at a time.
class InfraCrl {
 public:
  // `inventory` empty: there is none, and nothing else may be called but enabled().
  InfraCrl(const Issuer& issuer, const store::Store& store, std::filesystem::path inventory,
           std::chrono::seconds lifetime);

  bool enabled() const { return !inventory_.empty(); }
  // Since it was read last. Looks at the file.
  bool inventory_changed() const;

  struct Next {
    Bytes der;
    std::vector<x509::CrlEntry> entries;
    std::chrono::sys_seconds this_update;
    store::PutDocument document;
  };
  // Reads the inventory and signs the next CRL, with every revoked and unexpired certificate of the
  // names; nullopt if it would say the same as the last one of this process, which is young enough.
  // An inventory that cannot be read any more is logged, and the names stay; the first must be
  // good.
  Result<std::optional<Next>> prepare(std::chrono::sys_seconds now);
  // `next` is durable.
  void adopt(Next next);

  const Bytes& der() const { return der_; }
  std::chrono::sys_seconds this_update() const { return this_update_; }

 private:
  Result<void> read_inventory();
  Result<std::vector<x509::CrlEntry>> entries(Timestamp now) const;

  const Issuer& issuer_;
  const store::Store& store_;
  const std::filesystem::path inventory_;
  const std::chrono::seconds lifetime_;
  std::optional<CertNames> names_;
  Bytes der_;  // empty: none was made yet
  std::vector<x509::CrlEntry> entries_;
  std::chrono::sys_seconds this_update_;
  mutable std::mutex mutex_;  // guards the rest
  FileVersion seen_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_INFRA_CRL_H_
