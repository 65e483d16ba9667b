// Whatever Certificate::parse accepts, OpenSSL accepts too, reads to the end, and reads the same
// serial, names and number of extensions from it.
#include <openssl/x509.h>

#include <algorithm>

#include "tests/fuzz/require.h"
#include "x509/certificate.h"

namespace {

using countersign::Bytes;
using countersign::ByteView;
using countersign::x509::Certificate;

bool same_name(const ::X509_NAME* name, const Bytes& der) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  ::X509_NAME_get0_der(name, &data, &size);
  return std::ranges::equal(ByteView(data, size), der);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto certificate = Certificate::parse(ByteView(data, size));
  if (!certificate) return 0;
  const std::uint8_t* at = data;
  ::X509* other = ::d2i_X509(nullptr, &at, static_cast<long>(size));
  require(other != nullptr && at == data + size);
  require(same_name(::X509_get_subject_name(other), (*certificate)->subject()));
  require(same_name(::X509_get_issuer_name(other), (*certificate)->issuer()));
  require(static_cast<std::size_t>(::X509_get_ext_count(other)) ==
          (*certificate)->extensions().size());
  ::X509_free(other);
  return 0;
}
