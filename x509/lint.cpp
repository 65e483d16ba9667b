#include "x509/lint.h"

#include <openssl/provider.h>

#include <array>
#include <stdexcept>

#include "x509/lint_checks.h"

namespace countersign::x509 {
namespace {

struct Check {
  std::string_view section;
  std::string (*run)(const lints::Subject&);
};

constexpr std::array kChecks = {
    Check{"RFC 5280 4.1.2.1", lints::version},
    Check{"RFC 5280 4.1.2.2", lints::serial},
    Check{"RFC 5280 4.1.1.2", lints::signature_algorithms},
    Check{"RFC 5280 4.1.2.4", lints::issuer},
    Check{"RFC 5280 4.1.2.5", lints::validity_order},
    Check{"RFC 5280 4.1.2.5", lints::validity_encoding},
    Check{"RFC 5280 4.1.2.6", lints::common_name},
    Check{"RFC 5280 4.2", lints::duplicate_extensions},
    Check{"RFC 5280 4.2", lints::critical_extensions},
    Check{"RFC 5280 4.2.1.1", lints::authority_key_id},
    Check{"RFC 5280 4.2.1.2", lints::subject_key_id},
    Check{"RFC 5280 4.2.1.3", lints::key_usage},
    Check{"RFC 5280 4.2.1.6", lints::subject_alt_name},
    Check{"RFC 5280 4.2.1.9", lints::basic_constraints},
    Check{"RFC 5280 4.2.1.12", lints::extended_key_usage},
    Check{"privileged extension", lints::privilege},
    Check{"RFC 5280 4.1", lints::encoding},
};

// OpenSSL 3 decodes the public key along with a certificate, through a search of all its decoders
// that costs ten times as much as all checks together. None of them looks at the key, which
// PublicKey has read already: here are no decoders, and its bytes stay bytes.
::OSSL_LIB_CTX* without_decoders() {
  static ::OSSL_LIB_CTX* const context = [] {
    // Never freed: it lives as long as the process.
    ::OSSL_LIB_CTX* made = ::OSSL_LIB_CTX_new();
    if (made == nullptr || ::OSSL_PROVIDER_load(made, "null") == nullptr) {
      throw std::runtime_error("OpenSSL has no null provider: " + drain_errors());
    }
    return made;
  }();
  return context;
}

Owned<::X509> decode(ByteView der, const std::uint8_t*& at) {
  return Owned<::X509>(reinterpret_cast<::X509*>(
      ::ASN1_item_d2i_ex(nullptr, &at, static_cast<long>(der.size()), ASN1_ITEM_rptr(X509),
                         without_decoders(), nullptr)));
}

}  // namespace

std::vector<std::string> lint(ByteView certificate_der, const LintExpectation& expected) {
  const std::uint8_t* at = certificate_der.data();
  const Owned<::X509> certificate = decode(certificate_der, at);
  if (!certificate || at != certificate_der.data() + certificate_der.size()) {
    return {"RFC 5280 4.1: not one DER certificate: " + drain_errors()};
  }
  const lints::Subject subject{certificate.get(), certificate_der, expected};
  std::vector<std::string> broken;
  for (const Check& check : kChecks) {
    const std::string problem = check.run(subject);
    if (!problem.empty()) broken.push_back(std::string(check.section) + ": " + problem);
  }
  drain_errors();  // decoders of broken extensions leave theirs; the line says it already
  return broken;
}

}  // namespace countersign::x509
