// certificate_renewal: an agent's next certificate, for the one that it presents.
#include <algorithm>

#include "api/puppet/client_headers.h"
#include "api/puppet/puppet_call.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

using Presented = Result<std::shared_ptr<const x509::Certificate>>;

// The caller's own certificate or, where it is a compiler that [puppet] renewal_proxies lists, the
// one that it passes on for its agent.
Presented presented(const PuppetCall& call) {
  auto passed_on = read_client_cert(call.request);
  if (passed_on.has_error()) return passed_on;
  const auto& own = call.request.client_certificate;
  const auto& proxies = call.authority.config().puppet.renewal_proxies;
  const bool listed = own && std::ranges::find(proxies, own->common_name()) != proxies.end();
  if (*passed_on && listed) return passed_on;
  if (*passed_on || !own) {
    return fail(Code::malformed, "No valid certificate found in renewal request");
  }
  return own;
}

}  // namespace

Response refused_certificate(const Error& error, const Request& request) {
  if (error.code == Code::forbidden) {
    return plain(403, "Certificate present, but does not match signature");
  }
  if (error.code == Code::malformed) return plain(400, error.detail);
  return puppet_error(error, request, 400);
}

// The order is the contract's (1.10): agents take 404 for "switched off", and carry on.
Answer post_certificate_renewal(PuppetCall call) {
  if (!call.authority.config().puppet.allow_auto_renewal) co_return plain(404, "Not Found");
  const auto held = presented(call);
  if (held.has_error()) co_return refused_certificate(held.error(), call.request);
  const auto row = co_await call.authority.renew(*held, call.caller);
  if (row.has_value()) co_return plain(200, x509::pem_encode(x509::kPemCertificate, row->der));
  Error error = row.error();
  // Faster renewals of the same name: nothing is wrong with this one.
  if (error.code == Code::conflict) error.code = Code::overloaded;
  co_return refused_certificate(error, call.request);
}

}  // namespace countersign::api
