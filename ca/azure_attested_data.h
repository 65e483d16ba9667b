// Attested data of Azure: PKCS#7 with a chain of certificates and the document inside. Source:
// Microsoft, "Azure Instance Metadata Service", section "Attested data".
#ifndef COUNTERSIGN_CA_AZURE_ATTESTED_DATA_H_
#define COUNTERSIGN_CA_AZURE_ATTESTED_DATA_H_

#include <string>
#include <string_view>

#include "ca/identity.h"
#include "x509/signed_data.h"

namespace countersign::ca {

// `base64`: the `signature` of what the endpoint answers. The signer's certificate must be for
// `host` ("metadata.azure.com") or a name under it, and chain to one of `roots`.
Result<Identity> verify_azure_attested_data(std::string_view base64,
                                            const x509::SignedDataVerifier& roots,
                                            const std::string& host, Timestamp now);

// The document itself, JSON, its signature verified. bad_proof at or past its expiresOn.
Result<Identity> read_azure_document(std::string_view json, Timestamp now);

// "11/28/18 00:16:17 -0000", UTC.
std::optional<Timestamp> parse_azure_time(std::string_view text);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AZURE_ATTESTED_DATA_H_
