// What comes as PKCS#7 or CMS: nothing that our key did not sign is ever content.
#include <cstddef>
#include <cstdint>
#include <string>

#include "ca/aws_identity.h"
#include "ca/azure_attested_data.h"
#include "tests/fuzz/require.h"
#include "x509/signed_data.h"

namespace {

using namespace countersign;

// A certificate whose key was thrown away.
constexpr const char* kNobody = R"(-----BEGIN CERTIFICATE-----
MIIDAjCCAeqgAwIBAgITTwBz6qxDbC1I2V/JDcntQW0QazANBgkqhkiG9w0BAQsF
ADARMQ8wDQYDVQQDDAZub2JvZHkwHhcNMjYxMTI1MDQyMTEyWhcNNDYxMTIwMDQy
MTEyWjARMQ8wDQYDVQQDDAZub2JvZHkwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAw
ggEKAoIBAQDnbDaDgEirRdlgrOWNivEf4tG/rZw6xFPAkyOVbt67FONO0ZDIRvVG
SJ1C1UM3L9NULRx6O1sQAIbJZBcgAl4B4Zmjn0mtIL4KgwG9KE3H3oTSkeLYl/qf
woalmhmX8G0yXOsgaFllPvfu+yUoC8ve79vOT84MwuM+XmOVzkT3phEHKWuNxMSA
UjYYPqFTEroFY44A3SF7/zefGYpo9dw6Xt/cJe/O13XpmvOxeqn0sCd5NxjgTtST
2PoDQNU9ravLsTp6BNGycSg5+yx1LRTScpx73KmteB+9BgfKN3h/gAURbPiDshOV
vs5p/fl9MSNKPiKklYIXxQYgkFG2E1GpAgMBAAGjUzBRMB0GA1UdDgQWBBSQFDAM
YP5FlwkI/iIIDxP64GGTlDAfBgNVHSMEGDAWgBSQFDAMYP5FlwkI/iIIDxP64GGT
lDAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQCxwslXNtVjfohK
BlgP+Ibgaw4XEp7waaep/l9r8fHD40ptFhYWLuV64l5KvuEsyx5ZalTlf2FfXL4u
cm7s/za4Isnw7g2pVwq4huXA1E7awQ+oEPzKkm8PrNPr5BGyzHpT1HEHrQzgsCUP
4I5xdpPpjCp5cVttTGjKwcjQuQdWkrKc1lt+omvXDFc98BESBSgmsmTyXNmNYxdL
JlLe6ulvzZZGf+qp7Hye0gXucndhF7F26aGkKFmDW9UNlD/ApGi7mbyFccHLVXe7
BRy0u/scIWi9TiBaL84brgubyY3QlI1oevLynt16LN9D0tuli3PkKGQ8AnLkCu8d
hGwWU3XG
-----END CERTIFICATE-----
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto verifier = x509::SignedDataVerifier::parse_pem(kNobody).value();
  static const Timestamp now{std::chrono::seconds(1'790'000'000)};
  const ByteView input(data, size);
  require(verifier.content_by_signer(input).has_error());
  require(verifier.content_by_chain(input, "metadata.azure.com", now).has_error());
  const std::string_view text = as_text(input);
  require(ca::verify_aws_identity(text, verifier).has_error());
  // The documents themselves, as if somebody had signed them.
  for (const auto& identity : {ca::read_aws_document(text), ca::read_azure_document(text, now)}) {
    if (identity.has_error()) continue;
    require(!identity->subject.empty());
    for (const auto& [name, value] : identity->claims) {
      require(!value.empty() && value.size() <= 256 && value.find('\n') == value.npos);
    }
  }
  if (const auto time = ca::parse_azure_time(text)) {
    require(to_rfc3339(*time).starts_with("20"));
  }
  return 0;
}
