#include "x509/openssl.h"

#include <openssl/err.h>

#include <array>
#include <stdexcept>

#include "x509/error_queue.h"

namespace countersign::x509 {

void forget_errors() { ::ERR_clear_error(); }

std::string drain_errors() {
  std::string text;
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long code = ::ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    std::array<char, 256> line{};
    ::ERR_error_string_n(code, line.data(), line.size());
    if (!text.empty()) text += "; ";
    text += line.data();
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
      text += ": ";
      text += data;
    }
  }
  return text;
}

namespace {

const ::EVP_MD* fetch(const char* name) {
  // Never freed: the table below lives as long as the process.
  const ::EVP_MD* digest = ::EVP_MD_fetch(nullptr, name, nullptr);
  if (digest == nullptr) {
    throw std::runtime_error(std::string("OpenSSL has no ") + name + ": " + drain_errors());
  }
  return digest;
}

}  // namespace

const ::EVP_MD* fetched(Digest digest) {
  static const std::array<const ::EVP_MD*, 4> table = {fetch("SHA1"), fetch("SHA2-256"),
                                                       fetch("SHA2-384"), fetch("SHA2-512")};
  return table.at(static_cast<std::size_t>(digest));
}

}  // namespace countersign::x509
