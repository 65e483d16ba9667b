#include "x509/hmac.h"

#include <openssl/evp.h>

#include <stdexcept>

#include "x509/openssl.h"

namespace countersign::x509 {

Bytes hmac_sha256(ByteView key, ByteView data) {
  Bytes code(32);
  std::size_t size = 0;
  const auto* made =
      ::EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(), data.data(),
                  data.size(), code.data(), code.size(), &size);
  if (made == nullptr || size != code.size()) {
    throw std::runtime_error("EVP_Q_mac: " + drain_errors());
  }
  return code;
}

}  // namespace countersign::x509
