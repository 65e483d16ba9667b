// What policy knows of a request: names, attributes and strings only.
#ifndef COUNTERSIGN_POLICY_FACTS_H_
#define COUNTERSIGN_POLICY_FACTS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::policy {

// A SubjectAltName asked for. type: "dns", "ip", "email", "uri", "directory", "registered_id",
// "other".
struct RequestedName {
  std::string type;
  std::string value;
};

// An extension asked for, SubjectAltName left out. `text` if its value is one DER string.
struct RequestedExtension {
  std::string oid;
  bool critical = false;
  std::optional<std::string> text;
};

// An enrolment token that came with the request.
struct PresentedToken {
  std::string id;                       // "" if the token is not known
  std::string problem;                  // why it is not good for this request; "" if it is
  std::string profile;                  // the profile that it is bound to, "" if to none
  std::vector<std::string> rules = {};  // the rules that it is bound to, none if to none
};

// An identity document that came with the request.
struct PresentedIdentity {
  std::string provider;  // NAME of the [identity.NAME] that verified it
  std::string problem;   // why it is not good for this request; "" if it is
  std::map<std::string, std::string, std::less<>> claims;  // "aws.account", …; proven
};

struct Facts {
  std::string certname;
  std::vector<RequestedName> names;
  std::vector<RequestedExtension> extensions;
  std::map<std::string, std::vector<std::string>> attributes;  // by OID
  std::string challenge_password;                              // empty: none
  std::string key_algorithm;                                   // "rsa", "ec", "ed25519"
  int key_bits = 0;
  std::string source;  // IP address, or "" if not known
  bool has_live_certificate = false;
  std::string key_sha256;                     // of the SPKI, hex
  std::optional<PresentedToken> token;        // nullopt: none came
  std::optional<PresentedIdentity> identity;  // nullopt: none came
};

// The OID of a Puppet short name ("pp_role"), or of a dotted OID itself; empty if neither.
std::string oid_of(std::string_view name_or_oid);
// The Puppet short name of an OID, or the OID.
std::string short_name_of(std::string_view oid);
// Is it under Puppet's registered (.1.1) or private (.1.2) extension arc?
bool is_puppet_extension(std::string_view oid);
// Is it under Puppet's authorization arc (1.3.6.1.4.1.34380.1.3)?
bool is_authorization_extension(std::string_view oid);
// The operator mark, 1.3.6.1.4.1.34380.1.3.39: no wildcard grants it and no API gives it.
inline constexpr std::string_view kCliAuthOid = "1.3.6.1.4.1.34380.1.3.39";
// pp_preshared_key: its value is a password of the machine, which no trace may show.
inline constexpr std::string_view kPresharedKeyOid = "1.3.6.1.4.1.34380.1.1.4";

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_FACTS_H_
