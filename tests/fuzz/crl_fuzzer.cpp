// Whatever Crl::parse accepts, OpenSSL accepts too, reads to the end, and reads the same issuer and
// entries from it.
#include <openssl/x509.h>

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
  for (int i = 0; i < count; ++i) {
    const ::ASN1_INTEGER* serial =
        ::X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i));
    const ByteView bytes(::ASN1_STRING_get0_data(serial),
                         static_cast<std::size_t>(::ASN1_STRING_length(serial)));
    require(magnitude(bytes) == magnitude((*crl)->entries()[static_cast<std::size_t>(i)].serial));
  }
  ::X509_CRL_free(other);
  return 0;
}
