// Who a TLS terminator says that its client is: X-Client-Verify, X-Client-DN and X-Client-Cert
// (Puppet contract 6.4). Read here, believed or not by puppet_caller.cpp.
#ifndef COUNTERSIGN_API_PUPPET_CLIENT_HEADERS_H_
#define COUNTERSIGN_API_PUPPET_CLIENT_HEADERS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/message.h"
#include "base/result.h"
#include "x509/certificate.h"

namespace countersign::api {

inline constexpr std::string_view kClientVerify = "x-client-verify";
inline constexpr std::string_view kClientDn = "x-client-dn";
inline constexpr std::string_view kClientCert = "x-client-cert";

struct ForwardedClient {
  std::string name;                                      // of the DN; a certname
  std::shared_ptr<const x509::Certificate> certificate;  // of the same name; null: none came along
};

// Does it say who the client is, by X-Client-Verify or X-Client-DN?
bool names_a_client(const Request& request);
// Takes all three out.
void drop_client_headers(Request& request);

// nullopt if the terminator has verified nobody: X-Client-Verify is not SUCCESS. malformed, in
// Puppet's words where it has some: a header that is there twice, no name, a certificate that
// cannot be read. denied: name and certificate do not belong together.
Result<std::optional<ForwardedClient>> read_client_headers(const Request& request);

// The URL-encoded PEM of X-Client-Cert; null if there is none. malformed: see above.
Result<std::shared_ptr<const x509::Certificate>> read_client_cert(const Request& request);

// The CN of a distinguished name as RFC 2253 writes it ("CN=a,O=b") or OpenSSL ("/O=b/CN=a").
// nullopt unless it has exactly one, and that is a certname.
std::optional<std::string> certname_in(std::string_view dn);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_PUPPET_CLIENT_HEADERS_H_
