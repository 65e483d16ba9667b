// Whom the headers of a TLS terminator name has a certname, the same however the name is written,
// and the certificate, if one came, is of that name and is read again from its own encoding.
#include "api/puppet/client_headers.h"

#include <algorithm>
#include <string>

#include "policy/certname.h"
#include "tests/fuzz/require.h"

namespace {

using namespace countersign;       // NOLINT(google-build-using-namespace)
using namespace countersign::api;  // NOLINT(google-build-using-namespace)

std::string encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return out;
}

Request carrying(std::string_view dn, std::string_view certificate) {
  Request request;
  request.headers = {{"X-Client-Verify", "SUCCESS"}, {"X-Client-DN", std::string(dn)}};
  if (!certificate.empty()) request.headers.emplace_back("X-Client-Cert", certificate);
  return request;
}

void check(std::string_view dn, std::string_view certificate) {
  const auto read = read_client_headers(carrying(dn, certificate));
  if (read.has_error()) {
    require(read.error().code == Code::malformed || read.error().code == Code::denied);
    require(!read.error().detail.empty());
    return;
  }
  require(read->has_value());
  const ForwardedClient& client = **read;
  require(policy::check_certname(client.name).has_value());
  require(certname_in(dn) == client.name);
  require((client.certificate != nullptr) == !certificate.empty());
  for (const std::string& form :
       {"CN=" + client.name, "/CN=" + client.name, "O=\\\"CN=x\\\",CN=\"" + client.name + "\""}) {
    require(certname_in(form) == client.name);
  }
  // One more CN, before or behind it, and it names nobody.
  require(!certname_in((dn.starts_with('/') ? "/CN=x" : "CN=x,") + std::string(dn)));
  if (!client.certificate) return;
  require(client.certificate->common_name() == client.name);
  const auto again = read_client_headers(carrying(dn, encoded(client.certificate->pem())));
  require(again.has_value() && again->has_value());
  require(std::ranges::equal((**again).certificate->der(), client.certificate->der()));
}

}  // namespace

// The first line is X-Client-DN, the rest X-Client-Cert: as it came, and encoded.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view dn = text.substr(0, text.find('\n'));
  const std::string_view rest = text.substr(std::min(text.size(), dn.size() + 1));
  check(dn, rest);
  check(dn, encoded(rest));
  return 0;
}
