// Message authentication with a shared secret.
#ifndef COUNTERSIGN_X509_HMAC_H_
#define COUNTERSIGN_X509_HMAC_H_

#include "base/bytes.h"

namespace countersign::x509 {

Bytes hmac_sha256(ByteView key, ByteView data);  // RFC 2104, 32 bytes

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_HMAC_H_
