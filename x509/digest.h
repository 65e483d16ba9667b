// Digests of byte strings.
#ifndef COUNTERSIGN_X509_DIGEST_H_
#define COUNTERSIGN_X509_DIGEST_H_

#include <string>

#include "base/bytes.h"

namespace countersign::x509 {

Bytes sha1(ByteView data);    // 20 bytes; only for key identifiers (RFC 5280 4.2.1.2) and display
Bytes sha256(ByteView data);  // 32 bytes
Bytes sha512(ByteView data);  // 64 bytes

// "AB:CD:…", upper case, as fingerprints are shown.
std::string colon_hex(ByteView digest);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_DIGEST_H_
