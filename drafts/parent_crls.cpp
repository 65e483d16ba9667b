#include "ca/parent_crls.h"

#include <algorithm>
#include <span>

#include "x509/pem.h"

namespace countersign::ca {
namespace {

bool same(const x509::Crl& a, const x509::Crl& b) { return std::ranges::equal(a.der(), b.der()); }

bool holds(const Crls& list, const x509::Crl& crl) {
  return std::ranges::any_of(list, [&](const auto& other) { return same(*other, crl); });
}

// The one with the highest number of those that name the same CA.
Result<std::shared_ptr<const x509::Crl>> newest(std::shared_ptr<const x509::Crl> current,
                                                const Crls& submitted) {
  auto best = std::move(current);
  bool tie = false;
  const Bytes key_id = best->authority_key_id();
  for (const auto& crl : submitted) {
    if (crl->authority_key_id() != key_id || same(*crl, *best)) continue;
    if (crl->number() < best->number()) continue;
    tie = crl->number() == best->number();
    if (!tie) best = crl;
  }
  if (tie) return fail(Code::malformed, "Could not determine newest CRL.");
  return best;
}

Error invalid(const std::string& why) {
  return fail(Code::malformed, "Invalid certs and/or CRLs: " + why);
}

// The CA of the chain that signed it; null if none did.
const x509::Certificate* issuer_of(
    std::span<const std::shared_ptr<const x509::Certificate>> parents, const x509::Crl& crl) {
  for (const auto& ca : parents) {
    if (ca->subject() == crl.issuer() && crl.signed_by(ca->public_key())) return ca.get();
  }
  return nullptr;
}

// What this issuer made, of the chain, must not be in its CRL.
Result<void> check_entries(const std::vector<std::shared_ptr<const x509::Certificate>>& chain,
                           const x509::Crl& crl) {
  for (const auto& ca : chain) {
    const bool listed = ca->issuer() == crl.issuer() &&
                        std::ranges::find(crl.entries(), ca->serial(), &x509::CrlEntry::serial) !=
                            crl.entries().end();
    if (listed) return invalid("the certificate of '" + ca->common_name() + "' is revoked.");
  }
  return {};
}

Result<void> check_crl(const std::vector<std::shared_ptr<const x509::Certificate>>& chain,
                       const x509::Crl& crl, Timestamp now) {
  if (crl.find(x509::oid::kDeltaCrlIndicator) != nullptr) {
    return fail(Code::malformed, "Cannot support delta CRL.");
  }
  const auto* issuer = issuer_of(std::span(chain).subspan(1), crl);
  if (issuer == nullptr) return invalid("a CRL is not signed by a CA of the chain.");
  const std::string whose = "the CRL of '" + issuer->common_name() + "' ";
  for (const x509::Extension& extension : crl.extensions()) {
    // Of those that may be critical, issuingDistributionPoint narrows what the list covers.
    if (extension.critical) return invalid(whose + "has the critical extension " + extension.oid);
  }
  if (crl.this_update() > now) return invalid(whose + "is not valid yet.");
  if (crl.next_update() <= now) return invalid(whose + "is past its nextUpdate.");
  return check_entries(chain, crl);
}

}  // namespace

Result<Crls> read_crls(std::string_view pem) {
  const auto none = fail(Code::malformed, "No valid CRLs submitted.");
  const auto blocks = x509::pem_decode_all(pem);
  if (blocks.has_error()) return none;
  Crls list;
  for (const x509::PemBlock& block : *blocks) {
    if (block.label != x509::kPemCrl) continue;
    auto crl = x509::Crl::parse(block.der);
    if (crl.has_error()) return none;
    if (!holds(list, **crl)) list.push_back(std::move(*crl));
  }
  if (list.empty()) return none;
  return list;
}

Result<Crls> newest_crls(const Crls& current, const Crls& submitted) {
  for (const auto& crl : submitted) {
    if (crl->authority_key_id().empty()) {
      return fail(Code::malformed,
                  "One or more submitted CRLs do not have an authority key identifier.");
    }
  }
  Crls list;
  for (const auto& crl : current) {
    auto best = newest(crl, submitted);
    if (best.has_error()) return best.error();
    list.push_back(std::move(*best));
  }
  return list;
}

Result<void> check_crls(const std::vector<std::shared_ptr<const x509::Certificate>>& chain,
                        const Crls& crls, Timestamp now) {
  for (const auto& crl : crls) {
    const auto good = check_crl(chain, *crl, now);
    if (good.has_error()) return good;
  }
  return {};
}

std::string to_pem(const Crls& crls) {
  std::string text;
  for (const auto& crl : crls) text += crl->pem();
  return text;
}

}  // namespace countersign::ca
