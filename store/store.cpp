#include "store/store.h"

namespace countersign::store {

std::string_view to_string(CertificateState state) {
  switch (state) {
    case CertificateState::signed_:
      return "signed";
    case CertificateState::revoked:
      return "revoked";
    case CertificateState::expired:
      return "expired";
  }
  return "signed";
}

std::optional<CertificateState> parse_certificate_state(std::string_view text) {
  for (const auto state :
       {CertificateState::signed_, CertificateState::revoked, CertificateState::expired}) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

CertificateState state_of(const CertificateRecord& certificate, Timestamp now) {
  if (certificate.revocation) return CertificateState::revoked;
  return now >= certificate.not_after ? CertificateState::expired : CertificateState::signed_;
}

}  // namespace countersign::store
