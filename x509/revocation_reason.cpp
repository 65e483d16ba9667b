#include <algorithm>
#include <array>

#include "x509/crl.h"

namespace countersign::x509 {
namespace {

struct Named {
  RevocationReason reason;
  std::string_view name;
};
// RFC 5280 5.3.1.
constexpr std::array kNames = {
    Named{RevocationReason::unspecified, "unspecified"},
    Named{RevocationReason::key_compromise, "keyCompromise"},
    Named{RevocationReason::ca_compromise, "cACompromise"},
    Named{RevocationReason::affiliation_changed, "affiliationChanged"},
    Named{RevocationReason::superseded, "superseded"},
    Named{RevocationReason::cessation_of_operation, "cessationOfOperation"},
    Named{RevocationReason::certificate_hold, "certificateHold"},
    Named{RevocationReason::remove_from_crl, "removeFromCRL"},
    Named{RevocationReason::privilege_withdrawn, "privilegeWithdrawn"},
    Named{RevocationReason::aa_compromise, "aACompromise"},
};

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '_' || c == '-') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

}  // namespace

std::string_view to_string(RevocationReason reason) {
  const auto* named = std::ranges::find(kNames, reason, &Named::reason);
  return named == kNames.end() ? "unspecified" : named->name;
}

std::optional<RevocationReason> parse_revocation_reason(std::string_view text) {
  const std::string wanted = folded(text);
  for (const Named& named : kNames) {
    if (named.reason == RevocationReason::certificate_hold ||
        named.reason == RevocationReason::remove_from_crl) {
      continue;
    }
    if (folded(named.name) == wanted) return named.reason;
  }
  return std::nullopt;
}

}  // namespace countersign::x509
