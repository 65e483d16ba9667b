#include "x509/digest.h"

#include <stdexcept>

#include "x509/openssl.h"

namespace countersign::x509 {
namespace {

Bytes digest(ByteView data, Digest algorithm) {
  const ::EVP_MD* md = fetched(algorithm);
  Bytes out(static_cast<std::size_t>(::EVP_MD_get_size(md)));
  if (::EVP_Digest(data.data(), data.size(), out.data(), nullptr, md, nullptr) != 1) {
    throw std::runtime_error("EVP_Digest: " + drain_errors());
  }
  return out;
}

}  // namespace

Bytes sha1(ByteView data) { return digest(data, Digest::sha1); }
Bytes sha256(ByteView data) { return digest(data, Digest::sha256); }
Bytes sha512(ByteView data) { return digest(data, Digest::sha512); }

std::string colon_hex(ByteView digest) {
  const std::string hex = to_hex(digest);
  std::string text;
  text.reserve(digest.size() * 3);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    if (i != 0) text.push_back(':');
    text.append(hex, i, 2);
  }
  return text;
}

}  // namespace countersign::x509
