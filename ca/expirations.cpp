#include "ca/expirations.h"

#include <algorithm>

#include "x509/crl.h"
#include "x509/pem.h"

namespace countersign::ca {

Result<Expirations> ExpirationsReader::read(
    const std::vector<std::shared_ptr<const x509::Certificate>>& chain,
    std::shared_ptr<const std::string> crls) {
  const std::lock_guard lock(mutex_);
  // The text is held, so that no other one can stand at its address.
  if (crls == seen_) return last_;
  Expirations found;
  for (const auto& certificate : chain) {
    found.certificates[certificate->common_name()] = certificate->not_after();
  }
  const auto blocks = x509::pem_decode_all(*crls);
  if (blocks.has_error()) return blocks.error();
  for (const x509::PemBlock& block : *blocks) {
    const auto crl = x509::Crl::parse(block.der);
    if (crl.has_error()) return crl.error();
    const auto issuer = std::ranges::find_if(
        chain, [&](const auto& certificate) { return certificate->subject() == (*crl)->issuer(); });
    if (issuer == chain.end()) continue;
    found.crls[(*issuer)->common_name()] = (*crl)->next_update();
  }
  seen_ = std::move(crls);
  last_ = std::move(found);
  return last_;
}

}  // namespace countersign::ca
