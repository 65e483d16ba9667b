#include "ca/facts.h"

#include "policy/certname.h"
#include "x509/digest.h"

namespace countersign::ca {

policy::Facts facts_of(const x509::Csr& csr, const std::string& source) {
  policy::Facts facts;
  if (!csr.common_names().empty()) facts.certname = csr.common_names().front();
  for (const x509::GeneralName& name : csr.subject_alt_names()) {
    facts.names.push_back({std::string(x509::to_string(name.type)), name.value});
  }
  for (const x509::Extension& extension : csr.extensions()) {
    if (extension.oid == x509::oid::kSubjectAltName) continue;
    facts.extensions.push_back({extension.oid, extension.critical, x509::text_of(extension)});
  }
  for (const x509::Attribute& attribute : csr.attributes()) {
    // The password is a fact of its own, so that no attribute condition or trace can show it.
    if (attribute.oid == x509::oid::kChallengePassword) continue;
    facts.attributes[attribute.oid] = attribute.values;
  }
  if (const auto password = csr.challenge_password()) facts.challenge_password = *password;
  const x509::KeySpec& key = csr.public_key().spec();
  switch (key.algorithm) {
    case x509::KeyAlgorithm::rsa:
      facts.key_algorithm = "rsa";
      break;
    case x509::KeyAlgorithm::ec:
      facts.key_algorithm = "ec";
      break;
    case x509::KeyAlgorithm::ed25519:
      facts.key_algorithm = "ed25519";
      break;
    case x509::KeyAlgorithm::other:
      facts.key_algorithm = "other";
      break;
  }
  facts.key_bits = key.bits;
  facts.key_sha256 = to_hex(x509::sha256(csr.public_key().spki()));
  for (char& c : facts.key_sha256) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  }
  facts.source = source;
  return facts;
}

Result<std::string> certname_of(const x509::Csr& csr, const std::string& expected) {
  const auto& names = csr.common_names();
  if (names.size() > 1) {
    return fail(Code::bad_csr, "The subject has " + std::to_string(names.size()) +
                                   " common names; exactly one is allowed.");
  }
  const std::string name = names.empty() ? std::string() : names.front();
  if (!expected.empty() && name != expected) {
    return fail(Code::name_mismatch,
                "Instance name \"" + name + "\" does not match requested key \"" + expected + "\"");
  }
  const auto checked = policy::check_certname(name);
  if (checked.has_error()) return checked.error();
  return name;
}

std::string names_text(const std::vector<x509::GeneralName>& names) {
  std::string text;
  for (const x509::GeneralName& name : names) {
    if (!text.empty()) text += ", ";
    // A comma in a value must not look like the next name.
    for (const char c : x509::to_string(name)) {
      if (c == ',')
        text += "\\2C";
      else
        text += c;
    }
  }
  return text;
}

}  // namespace countersign::ca
