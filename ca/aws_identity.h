// Instance identity documents of AWS, as the `rsa2048` endpoint of an instance gives them: PKCS#7
// with the document inside. Source: Amazon EC2 User Guide, "Instance identity documents" and
// "Verify the instance identity document".
#ifndef COUNTERSIGN_CA_AWS_IDENTITY_H_
#define COUNTERSIGN_CA_AWS_IDENTITY_H_

#include <string_view>

#include "ca/identity.h"
#include "x509/signed_data.h"

namespace countersign::ca {

// `base64` with or without the PEM lines. The signer must be one of AWS's certificates: the
// region's. The kinds `pkcs7` (DSA, SHA-1) and `signature` (the document is not in it) are refused.
Result<Identity> verify_aws_identity(std::string_view base64,
                                     const x509::SignedDataVerifier& certificates);

// The document itself, JSON, its signature verified.
Result<Identity> read_aws_document(std::string_view json);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AWS_IDENTITY_H_
