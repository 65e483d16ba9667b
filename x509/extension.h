// Extensions (RFC 5280 4.2) and general names: what CSRs ask for and certificates carry.
#ifndef COUNTERSIGN_X509_EXTENSION_H_
#define COUNTERSIGN_X509_EXTENSION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace countersign::x509 {

// One extension. `value` is the content of the OCTET STRING: DER of the extension's own type.
struct Extension {
  std::string oid;  // dotted
  bool critical = false;
  Bytes value;
  bool operator==(const Extension&) const = default;
};

// The text inside `value` when that is one DER string (UTF8, Printable, IA5), as Puppet's are.
std::optional<std::string> text_of(const Extension& extension);

// One GeneralName. For dns, email and uri `value` is the text; for ip it is dotted quad or RFC
// 5952; for directory, registered_id and other it is the upper-case hex of the DER.
struct GeneralName {
  enum class Type { dns, ip, email, uri, directory, registered_id, other };
  Type type = Type::dns;
  std::string value;
  bool operator==(const GeneralName&) const = default;
};
std::string_view to_string(GeneralName::Type type);  // "dns", "ip", "email", "uri", "directory", …
std::string to_string(const GeneralName& name);  // "DNS:a.example.com", "IP:10.0.0.1", "URI:…"

// Content of a SubjectAltName extension. bad_csr for bad DER, an empty list, a control character or
// a non-ASCII byte in an IA5String, an address that is not 4 or 16 bytes.
Result<std::vector<GeneralName>> parse_general_names(ByteView der);

namespace oid {
inline constexpr std::string_view kSubjectKeyIdentifier = "2.5.29.14";
inline constexpr std::string_view kKeyUsage = "2.5.29.15";
inline constexpr std::string_view kSubjectAltName = "2.5.29.17";
inline constexpr std::string_view kBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kCrlNumber = "2.5.29.20";
inline constexpr std::string_view kCrlReason = "2.5.29.21";
inline constexpr std::string_view kDeltaCrlIndicator = "2.5.29.27";
inline constexpr std::string_view kCrlDistributionPoints = "2.5.29.31";
inline constexpr std::string_view kAuthorityKeyIdentifier = "2.5.29.35";
inline constexpr std::string_view kExtendedKeyUsage = "2.5.29.37";
inline constexpr std::string_view kAuthorityInfoAccess = "1.3.6.1.5.5.7.1.1";
inline constexpr std::string_view kServerAuth = "1.3.6.1.5.5.7.3.1";
inline constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";
inline constexpr std::string_view kNetscapeComment = "2.16.840.1.113730.1.13";
inline constexpr std::string_view kChallengePassword = "1.2.840.113549.1.9.7";
inline constexpr std::string_view kExtensionRequest = "1.2.840.113549.1.9.14";
inline constexpr std::string_view kMicrosoftExtensionRequest = "1.3.6.1.4.1.311.2.1.14";
}  // namespace oid

// Bits of KeyUsage, as in RFC 5280 4.2.1.3 (bit 0 is digitalSignature).
enum KeyUsage : unsigned {
  kDigitalSignature = 1U << 0,
  kContentCommitment = 1U << 1,
  kKeyEncipherment = 1U << 2,
  kDataEncipherment = 1U << 3,
  kKeyAgreement = 1U << 4,
  kKeyCertSign = 1U << 5,
  kCrlSign = 1U << 6,
};

// Builders of the extensions that profiles use. Throw std::invalid_argument on text that cannot be
// encoded (a bad OID, a non-ASCII DNS name): callers have checked it.
Extension basic_constraints(bool ca, std::optional<int> path_length = std::nullopt);  // critical
Extension key_usage(unsigned bits);                                                   // critical
Extension extended_key_usage(const std::vector<std::string>& oids, bool critical);
Extension subject_alt_name(const std::vector<GeneralName>& names);
Extension subject_key_identifier(ByteView key_id);
Extension authority_key_identifier(ByteView key_id);  // keyIdentifier only
Extension crl_distribution_points(const std::vector<std::string>& urls);
Extension authority_info_access(const std::vector<std::string>& ocsp,
                                const std::vector<std::string>& ca_issuers);
Extension netscape_comment(std::string_view text);
Extension utf8_extension(std::string_view oid, std::string_view text);  // Puppet's pp_* form

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_EXTENSION_H_
