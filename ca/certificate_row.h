// What the store keeps of a certificate.
#ifndef COUNTERSIGN_CA_CERTIFICATE_ROW_H_
#define COUNTERSIGN_CA_CERTIFICATE_ROW_H_

#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/records.h"
#include "x509/certificate.h"

namespace countersign::ca {

// The certname of a row of which nothing but a serial in a CRL is known (an import finds such). No
// machine can have it.
inline constexpr std::string_view kUnknownCertname = "(unknown)";

// The row of a certificate; the caller sets what the certificate itself does not say.
store::CertificateRecord certificate_row(const std::string& issuer,
                                         const x509::Certificate& certificate, Timestamp now);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CERTIFICATE_ROW_H_
