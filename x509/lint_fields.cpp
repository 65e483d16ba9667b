// Rules for the fields of a certificate (RFC 5280 4.1).
#include <algorithm>
#include <ctime>

#include "x509/der.h"
#include "x509/lint_checks.h"

namespace countersign::x509::lints {

std::string encoding(const Subject& subject) {
  der::Fault fault(Code::malformed);
  der::Reader reader(subject.der, fault);
  der::check_value(reader.any("certificate"), fault, "certificate");
  reader.finish("certificate");
  return fault.found() ? "not DER: " + fault.error().detail : "";
}

std::string version(const Subject& subject) {
  const bool v3 = subject.version && ::ASN1_INTEGER_get(subject.version.get()) == X509_VERSION_3;
  return v3 ? "" : "the version is not v3";
}

std::string serial(const Subject& subject) {
  const ::ASN1_INTEGER* number = subject.serial.get();
  if (::ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER) return "the serial is negative";
  const Owned<::BIGNUM> value(::ASN1_INTEGER_to_BN(number, nullptr));
  if (!value || ::BN_is_zero(value.get()) == 1) return "the serial is not positive";
  const int bits = ::BN_num_bits(value.get());
  // The octet of the sign counts: 159 bits at most.
  if (bits > 159) return "the serial is over 20 octets";
  // CA/Browser Forum BR 7.1: 64 bits of randomness. A random one of 128 bits is this short once in
  // 2^64 times.
  if (bits < 64) return "the serial is under 64 bits";
  return "";
}

std::string signature_algorithms(const Subject& subject) {
  return ::ASN1_STRING_cmp(subject.outer_algorithm.get(), subject.inner_algorithm.get()) == 0
             ? ""
             : "the inner and outer signature algorithms differ";
}

std::string issuer(const Subject& subject) {
  return std::ranges::equal(content(subject.issuer.get()), subject.expected.issuer)
             ? ""
             : "the issuer is not the CA's name byte for byte";
}

std::string common_name(const Subject& subject) {
  const ::X509_NAME* name = subject.name.get();
  if (::X509_NAME_entry_count(name) == 0) return "the subject is empty";
  const int at = ::X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "the subject has no CN";
  if (::X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) {
    return "the subject has several CNs";
  }
  const ::ASN1_STRING* value = ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(name, at));
  if (::ASN1_STRING_type(value) != V_ASN1_UTF8STRING) return "the CN is not a UTF8String";
  return as_text(content(value)) == subject.expected.common_name ? ""
                                                                 : "the CN is not the certname";
}

std::string validity_order(const Subject& subject) {
  const int order = ::ASN1_TIME_compare(subject.not_before.get(), subject.not_after.get());
  return order == -1 ? "" : "notBefore is not before notAfter";
}

std::string validity_encoding(const Subject& subject) {
  for (const ::ASN1_TIME* time : {subject.not_before.get(), subject.not_after.get()}) {
    std::tm fields{};
    if (::ASN1_TIME_to_tm(time, &fields) != 1) return "a time cannot be read";
    const int wanted = fields.tm_year + 1900 < 2050 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME;
    if (::ASN1_STRING_type(time) != wanted) {
      return "a time is not UTCTime before 2050 and GeneralizedTime from then on";
    }
    // Other forms (no seconds, an offset, a fraction) are of another length.
    if (::ASN1_STRING_length(time) != (wanted == V_ASN1_UTCTIME ? 13 : 15)) {
      return "a time is not written to the second in UTC";
    }
  }
  return "";
}

}  // namespace countersign::x509::lints
