#include "ca/parent_crls.h"

#include <algorithm>
#include <compare>

#include "x509/pem.h"

namespace countersign::ca {
namespace {

using CrlPtr = std::shared_ptr<const x509::Crl>;

bool same(const x509::Crl& a, const x509::Crl& b) { return std::ranges::equal(a.der(), b.der()); }

bool holds(const Crls& list, const x509::Crl& crl) {
  return std::ranges::any_of(list, [&](const CrlPtr& other) { return same(*other, crl); });
}

// Is `other` a CRL of the CA that made `crl`? Old CAs leave the key id out; then the name counts.
bool counterparts(const x509::Crl& crl, const x509::Crl& other) {
  if (crl.authority_key_id().empty()) return crl.issuer() == other.issuer();
  return crl.authority_key_id() == other.authority_key_id();
}

// Numbers without leading zeros: the longer is the higher.
std::strong_ordering by_number(const x509::Crl& a, const x509::Crl& b) {
  const Bytes& left = a.number_octets();
  const Bytes& right = b.number_octets();
  if (left.size() != right.size()) return left.size() <=> right.size();
  return left <=> right;
}

// The one with the highest number of those that name the same CA.
Result<CrlPtr> newest(CrlPtr current, const Crls& submitted) {
  CrlPtr best = current;
  bool tie = false;
  for (const CrlPtr& crl : submitted) {
    if (!counterparts(*current, *crl) || same(*crl, *best)) continue;
    const auto order = by_number(*crl, *best);
    if (order < 0) continue;
    tie = order == 0;
    if (!tie) best = crl;
  }
  if (tie) return fail(Code::malformed, "Could not determine newest CRL.");
  return best;
}

Error invalid(const std::string& why) {
  return fail(Code::malformed, "Invalid certs and/or CRLs: " + why);
}

// What this issuer made, of the chain, must not be in its CRL.
Result<void> check_entries(const Chain& chain, const x509::Crl& crl) {
  for (const auto& ca : chain) {
    if (ca->issuer() != crl.issuer()) continue;
    const auto found = std::ranges::find(crl.entries(), ca->serial(), &x509::CrlEntry::serial);
    if (found == crl.entries().end()) continue;
    return invalid("the certificate of '" + ca->common_name() + "' is revoked.");
  }
  return {};
}

Result<void> check_crl(const Chain& chain, const x509::Crl& crl, Timestamp now) {
  const auto* issuer = parent_of(chain, crl);
  if (issuer == nullptr) return invalid("a CRL is not signed by a CA above this one.");
  const std::string whose = "the CRL of '" + issuer->common_name() + "' ";
  for (const x509::Extension& extension : crl.extensions()) {
    // Of those that may be critical, issuingDistributionPoint narrows what the list covers.
    if (extension.critical) {
      return invalid(whose + "has the critical extension " + extension.oid + ".");
    }
  }
  if (crl.has_critical_entry()) return invalid(whose + "has an entry with a critical extension.");
  if (crl.this_update() > now) return invalid(whose + "is not valid yet.");
  if (crl.next_update() <= now) return invalid(whose + "is past its nextUpdate.");
  return check_entries(chain, crl);
}

}  // namespace

const x509::Certificate* parent_of(const Chain& chain, const x509::Crl& crl) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const x509::Certificate& ca = *chain[i];
    if (ca.subject() == crl.issuer() && crl.signed_by(ca.public_key())) return &ca;
  }
  return nullptr;
}

Result<Crls> read_crls(std::string_view pem) {
  const auto none = [](std::string why) {
    return fail(Code::malformed, "No valid CRLs submitted.", std::move(why));
  };
  const auto blocks = x509::pem_decode_all(pem);
  if (blocks.has_error()) return none(blocks.error().detail);
  Crls list;
  for (const x509::PemBlock& block : *blocks) {
    if (block.label != x509::kPemCrl) continue;
    auto crl = x509::Crl::parse(block.der);
    if (crl.has_error()) return none(crl.error().detail);
    if (!holds(list, **crl)) list.push_back(std::move(*crl));
  }
  if (list.empty()) return none("There is no PEM block 'X509 CRL'.");
  return list;
}

Result<Crls> newest_crls(const Crls& current, const Crls& submitted) {
  for (const CrlPtr& crl : submitted) {
    if (crl->authority_key_id().empty()) {
      return fail(Code::malformed,
                  "One or more submitted CRLs do not have an authority key identifier.");
    }
  }
  Crls list;
  for (const CrlPtr& crl : current) {
    auto best = newest(crl, submitted);
    if (best.has_error()) return best.error();
    list.push_back(std::move(*best));
  }
  return list;
}

Crls later_crls(const Crls& current, const Crls& kept) {
  Crls list;
  for (const CrlPtr& one : current) {
    CrlPtr best = one;
    for (const CrlPtr& crl : kept) {
      if (!counterparts(*one, *crl)) continue;
      const auto order = by_number(*crl, *best);
      const bool later = order == 0 && crl->this_update() > best->this_update();
      if (order > 0 || later) best = crl;
    }
    list.push_back(std::move(best));
  }
  return list;
}

Result<void> check_crls(const Chain& chain, const Crls& crls, Timestamp now) {
  const bool delta = std::ranges::any_of(
      crls, [](const CrlPtr& crl) { return crl->find(x509::oid::kDeltaCrlIndicator) != nullptr; });
  if (delta) return fail(Code::malformed, "Cannot support delta CRL.");
  for (const CrlPtr& crl : crls) {
    const auto good = check_crl(chain, *crl, now);
    if (good.has_error()) return good;
  }
  return {};
}

std::string to_pem(const Crls& crls) {
  std::string text;
  for (const CrlPtr& crl : crls) text += crl->pem();
  return text;
}

}  // namespace countersign::ca
