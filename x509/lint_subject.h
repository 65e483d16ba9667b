// A certificate as OpenSSL decodes it, but for its key. Internal to the linter.
#ifndef COUNTERSIGN_X509_LINT_SUBJECT_H_
#define COUNTERSIGN_X509_LINT_SUBJECT_H_

#include <openssl/asn1.h>

#include <optional>

#include "base/bytes.h"
#include "x509/lint.h"
#include "x509/openssl.h"

namespace countersign::x509 {

// ASN1_INTEGER, ASN1_TIME and the like are the same struct.
template <>
struct Deleter<::ASN1_STRING> : ReleaseWith<::ASN1_STRING_free> {};
template <>
struct Deleter<::X509_NAME> : ReleaseWith<::X509_NAME_free> {};
template <>
struct Deleter<::ASN1_SEQUENCE_ANY> {
  void operator()(::ASN1_SEQUENCE_ANY* all) const { sk_ASN1_TYPE_pop_free(all, ::ASN1_TYPE_free); }
};
template <>
struct Deleter<::X509_EXTENSIONS> {
  void operator()(::X509_EXTENSIONS* all) const {
    sk_X509_EXTENSION_pop_free(all, ::X509_EXTENSION_free);
  }
};

namespace lints {

inline ByteView content(const ::ASN1_STRING* text) {
  return {::ASN1_STRING_get0_data(text), static_cast<std::size_t>(::ASN1_STRING_length(text))};
}

// What every check looks at: the fields of RFC 5280 4.1. The key stays bytes, for OpenSSL 3 would
// search all its decoders for it, which costs more than all checks together; none of them looks at
// it, and PublicKey has read it already.
struct Subject {
  ByteView der;
  const LintExpectation& expected;
  Owned<::ASN1_STRING> version = nullptr;  // null: absent
  Owned<::ASN1_STRING> serial = nullptr;
  Owned<::ASN1_STRING> inner_algorithm = nullptr;  // DER, as the outer one and the issuer
  Owned<::ASN1_STRING> outer_algorithm = nullptr;
  Owned<::ASN1_STRING> issuer = nullptr;
  Owned<::ASN1_STRING> not_before = nullptr;
  Owned<::ASN1_STRING> not_after = nullptr;
  Owned<::X509_NAME> name = nullptr;
  Owned<::X509_EXTENSIONS> extensions = nullptr;  // null: none
};

// Nothing unless it is one certificate; OpenSSL's error queue may tell why. Keeps both arguments.
std::optional<Subject> decode(ByteView certificate_der, const LintExpectation& expected);

}  // namespace lints
}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_LINT_SUBJECT_H_
