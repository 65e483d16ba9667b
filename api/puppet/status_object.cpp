#include "api/puppet/status_object.h"

#include <boost/json.hpp>

#include "policy/facts.h"
#include "x509/certificate.h"
#include "x509/csr.h"
#include "x509/digest.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

json::object described(const std::string& name, std::string_view state, ByteView der,
                       const std::vector<x509::GeneralName>& names,
                       const std::vector<x509::Extension>& extensions) {
  json::array dns;
  json::array all;
  for (const auto& san : names) {
    if (san.type == x509::GeneralName::Type::ip) all.emplace_back(x509::to_string(san));
  }
  for (const auto& san : names) {
    if (san.type != x509::GeneralName::Type::dns) continue;
    dns.emplace_back(x509::to_string(san));
    all.emplace_back(x509::to_string(san));
  }
  json::object authorization;
  for (const auto& extension : extensions) {
    if (!policy::is_authorization_extension(extension.oid)) continue;
    authorization[policy::short_name_of(extension.oid)] = x509::text_of(extension).value_or("");
  }
  const std::string sha256 = x509::colon_hex(x509::sha256(der));
  return {{"name", name},
          {"state", state},
          {"dns_alt_names", std::move(dns)},
          {"subject_alt_names", std::move(all)},
          {"authorization_extensions", std::move(authorization)},
          {"fingerprint", sha256},
          {"fingerprints", json::object{{"SHA1", x509::colon_hex(x509::sha1(der))},
                                        {"SHA256", sha256},
                                        {"SHA512", x509::colon_hex(x509::sha512(der))},
                                        {"default", sha256}}}};
}

}  // namespace

std::string puppet_time(Timestamp time) {
  std::string text = to_rfc3339(time);
  text.pop_back();
  return text + "UTC";
}

std::string decimal(ByteView number) {
  Bytes left = to_bytes(number);
  std::string digits;
  for (bool more = true; more;) {
    unsigned remainder = 0;
    more = false;
    for (std::uint8_t& byte : left) {
      const unsigned value = remainder * 256 + byte;
      byte = static_cast<std::uint8_t>(value / 10);
      remainder = value % 10;
      more = more || byte != 0;
    }
    digits.insert(digits.begin(), static_cast<char>('0' + remainder));
  }
  return digits;
}

Result<std::string> status_object(const store::CertificateRecord& row) {
  const auto certificate = x509::Certificate::parse(row.der);
  if (certificate.has_error()) return certificate.error();
  json::object object =
      described(row.certname, row.revocation ? "revoked" : "signed", row.der,
                (*certificate)->subject_alt_names(), (*certificate)->extensions());
  object["not_before"] = puppet_time(row.not_before);
  object["not_after"] = puppet_time(row.not_after);
  std::string text = json::serialize(object);
  // JSON numbers have no bound, Boost's integers do: the serial is written by hand.
  text.pop_back();
  return text + ",\"serial_number\":" + decimal(row.serial) + "}";
}

Result<std::string> status_object(const store::RequestRecord& row) {
  const auto csr = x509::Csr::parse(row.csr);
  if (csr.has_error()) return csr.error();
  return json::serialize(described(row.certname, "requested", row.csr, (*csr)->subject_alt_names(),
                                   (*csr)->extensions()));
}

}  // namespace countersign::api
