#include "ca/succession.h"

#include <algorithm>

#include "ca/examination.h"
#include "x509/certificate.h"

namespace countersign::ca {

using policy::Reuse;
using store::CertificateState;

namespace {

// The service's own certificate stands apart: it never took the name.
bool is_live(const store::CertificateRecord& row, Timestamp now) {
  return store::state_of(row, now) == CertificateState::signed_ && row.rule != "service";
}

}  // namespace

Result<std::optional<store::CertificateRecord>> holder_of(const store::Store& store,
                                                          const std::string& certname,
                                                          Timestamp now) {
  auto current = store.current_certificate(certname);
  if (current.has_error() || !*current ||
      store::state_of(**current, now) != CertificateState::expired) {
    return current;
  }
  auto all = store.certificates_of(certname);
  if (all.has_error()) return all.error();
  const auto live =
      std::ranges::find_if(*all, [now](const auto& row) { return is_live(row, now); });
  if (live != all->end()) *current = std::move(*live);
  return current;
}

Result<Succession> succession_of(const store::Store& store, const store::CertificateRecord& live,
                                 Reuse reuse, Timestamp now) {
  Succession succession;
  succession.renews = live.serial;
  if (!live.current) {
    // It has outlived the current one, which is what the store compares.
    const auto current = store.current_certificate(live.certname);
    if (current.has_error()) return current.error();
    if (*current && store::state_of(**current, now) == CertificateState::expired) {
      succession.renews = (*current)->serial;
    }
  }
  if (reuse == Reuse::same_key) return succession;
  auto all = store.certificates_of(live.certname);
  if (all.has_error()) return all.error();
  std::erase_if(*all, [now](const auto& row) { return !is_live(row, now); });
  succession.superseded = std::move(*all);
  return succession;
}

Result<Succession> succession_of_approval(const store::Store& store,
                                          const store::RequestRecord& request,
                                          const x509::PublicKey& key, bool duplicates,
                                          Timestamp now) {
  Succession plain;
  const auto reuse = policy::parse_reuse(request.reuse);
  if (!reuse) {
    plain.replace = duplicates;
    return plain;
  }
  const auto current = holder_of(store, request.certname, now);
  if (current.has_error()) return current.error();
  if (!*current) return plain;
  const CertificateState state = store::state_of(**current, now);
  if (*reuse == Reuse::same_key && state != CertificateState::expired) {
    if (state == CertificateState::revoked) {
      return name_taken(Code::revoked_exists, request.certname);
    }
    if (!has_key(**current, key)) return name_taken(Code::certificate_exists, request.certname);
  }
  if (state == CertificateState::signed_) return succession_of(store, **current, *reuse, now);
  plain.replace = state == CertificateState::revoked;
  return plain;
}

bool has_key(const store::CertificateRecord& certificate, const x509::PublicKey& key) {
  const auto parsed = x509::Certificate::parse(certificate.der);
  return parsed.has_value() && std::ranges::equal((*parsed)->public_key().spki(), key.spki());
}

}  // namespace countersign::ca
