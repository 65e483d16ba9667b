// PEM (RFC 7468) as a strict text encoding of DER.
#ifndef COUNTERSIGN_X509_PEM_H_
#define COUNTERSIGN_X509_PEM_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace countersign::x509 {

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  Bytes der;
};

// Every block of the text, in order; text outside blocks is allowed (openssl writes it).
// malformed: a block that does not end, a wrong END label, bad base64, over 64 headers lines.
Result<std::vector<PemBlock>> pem_decode_all(std::string_view text);

// Exactly one block whose label is one of `labels`; anything else is malformed with a clear detail.
Result<Bytes> pem_decode(std::string_view text, const std::vector<std::string_view>& labels);

// 64 columns, with a final newline.
std::string pem_encode(std::string_view label, ByteView der);

inline constexpr std::string_view kPemCertificate = "CERTIFICATE";
inline constexpr std::string_view kPemCrl = "X509 CRL";
inline constexpr std::string_view kPemCsr = "CERTIFICATE REQUEST";
inline constexpr std::string_view kPemPublicKey = "PUBLIC KEY";
inline constexpr std::string_view kPemNewCsr = "NEW CERTIFICATE REQUEST";  // old openssl, Microsoft

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_PEM_H_
