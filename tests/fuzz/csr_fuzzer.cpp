// Whatever Csr::parse accepts, OpenSSL accepts too, reads to the end, and reads the same from it.
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "tests/fuzz/require.h"
#include "x509/csr.h"

namespace {

using countersign::ByteView;
using countersign::x509::Csr;

int count_common_names(const ::X509_NAME* name) {
  int count = 0;
  for (int at = -1; (at = ::X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) ++count;
  return count;
}

void compare_with_openssl(const Csr& csr) {
  const std::uint8_t* at = csr.der().data();
  ::X509_REQ* request = ::d2i_X509_REQ(nullptr, &at, static_cast<long>(csr.der().size()));
  require(request != nullptr && at == csr.der().data() + csr.der().size());

  std::uint8_t* spki = nullptr;
  const int size = ::i2d_X509_PUBKEY(::X509_REQ_get_X509_PUBKEY(request), &spki);
  require(size > 0);
  require(
      std::ranges::equal(ByteView(spki, static_cast<std::size_t>(size)), csr.public_key().spki()));
  ::OPENSSL_free(spki);

  require(static_cast<std::size_t>(count_common_names(::X509_REQ_get_subject_name(request))) ==
          csr.common_names().size());

  STACK_OF(X509_EXTENSION)* extensions = ::X509_REQ_get_extensions(request);
  const int count = extensions == nullptr ? 0 : sk_X509_EXTENSION_num(extensions);
  require(static_cast<std::size_t>(std::max(count, 0)) == csr.extensions().size());
  sk_X509_EXTENSION_pop_free(extensions, ::X509_EXTENSION_free);
  ::X509_REQ_free(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto csr = Csr::parse(ByteView(data, size));
  if (!csr) {
    require(!csr.error().detail.empty());
    return 0;
  }
  compare_with_openssl(**csr);
  const auto again = Csr::parse((*csr)->der());
  require(again.has_value());
  require((*again)->common_names() == (*csr)->common_names());
  require((*again)->extensions() == (*csr)->extensions());
  require((*again)->subject_alt_names() == (*csr)->subject_alt_names());
  require((*again)->sha256() == (*csr)->sha256());
  // Neither may crash; what they answer is for the unit tests.
  (void)(*csr)->verify_possession();
  (void)check_key((*csr)->public_key());
  return 0;
}
