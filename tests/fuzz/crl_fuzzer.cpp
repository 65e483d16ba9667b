// Whatever Crl::parse accepts, OpenSSL accepts too, reads to the end, and reads the same issuer,
// entries and extensions from it.
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "tests/fuzz/require.h"
#include "x509/crl.h"

using countersign::Bytes;
using countersign::ByteView;
using countersign::x509::Crl;

namespace {

// The magnitude without zeros in front.
Bytes magnitude(ByteView serial) {
  const auto first = std::ranges::find_if(serial, [](std::uint8_t byte) { return byte != 0; });
  return {first, serial.end()};
}

ByteView bytes_of(const ::ASN1_STRING* text) {
  return {::ASN1_STRING_get0_data(text), static_cast<std::size_t>(::ASN1_STRING_length(text))};
}

void same_extensions(const Crl& crl, ::X509_CRL* other) {
  require(static_cast<std::size_t>(::X509_CRL_get_ext_count(other)) == crl.extensions().size());
  for (int i = 0; i < ::X509_CRL_get_ext_count(other); ++i) {
    ::X509_EXTENSION* extension = ::X509_CRL_get_ext(other, i);
    const auto& ours = crl.extensions()[static_cast<std::size_t>(i)];
    require((::X509_EXTENSION_get_critical(extension) != 0) == ours.critical);
    require(std::ranges::equal(bytes_of(::X509_EXTENSION_get_data(extension)), ours.value));
    require(crl.find(ours.oid) == &ours);
  }
  auto* number =
      static_cast<::ASN1_INTEGER*>(::X509_CRL_get_ext_d2i(other, NID_crl_number, nullptr, nullptr));
  require((number == nullptr) == crl.number_octets().empty());
  if (number != nullptr) require(magnitude(bytes_of(number)) == magnitude(crl.number_octets()));
  ::ASN1_INTEGER_free(number);
  // Null too where OpenSSL does not like what follows the key id, which is nothing to us.
  auto* issuer = static_cast<::AUTHORITY_KEYID*>(
      ::X509_CRL_get_ext_d2i(other, NID_authority_key_identifier, nullptr, nullptr));
  if (issuer != nullptr && issuer->keyid != nullptr) {
    require(std::ranges::equal(bytes_of(issuer->keyid), crl.authority_key_id()));
  } else if (issuer != nullptr) {
    require(crl.authority_key_id().empty());
  }
  ::AUTHORITY_KEYID_free(issuer);
}

bool has_critical(const ::X509_REVOKED* entry) {
  return ::X509_REVOKED_get_ext_by_critical(entry, 1, -1) >= 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto crl = Crl::parse(ByteView(data, size));
  if (crl.has_error()) {
    require(!crl.error().detail.empty());
    return 0;
  }
  const std::uint8_t* at = data;
  ::X509_CRL* other = ::d2i_X509_CRL(nullptr, &at, static_cast<long>(size));
  require(other != nullptr && at == data + size);

  const std::uint8_t* issuer = nullptr;
  std::size_t issuer_size = 0;
  ::X509_NAME_get0_der(::X509_CRL_get_issuer(other), &issuer, &issuer_size);
  require(std::ranges::equal(ByteView(issuer, issuer_size), (*crl)->issuer()));

  STACK_OF(X509_REVOKED)* revoked = ::X509_CRL_get_REVOKED(other);
  const int count = revoked == nullptr ? 0 : sk_X509_REVOKED_num(revoked);
  require(static_cast<std::size_t>(std::max(count, 0)) == (*crl)->entries().size());
  bool critical = false;
  for (int i = 0; i < count; ++i) {
    const ::X509_REVOKED* entry = sk_X509_REVOKED_value(revoked, i);
    require(magnitude(bytes_of(::X509_REVOKED_get0_serialNumber(entry))) ==
            magnitude((*crl)->entries()[static_cast<std::size_t>(i)].serial));
    critical = critical || has_critical(entry);
  }
  require(critical == (*crl)->has_critical_entry());
  same_extensions(**crl, other);
  ::X509_CRL_free(other);
  return 0;
}
