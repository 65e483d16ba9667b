// certificate_renewal: an agent's next certificate, for the one that it presents.
#include "api/puppet/puppet_call.h"
#include "x509/pem.h"

namespace countersign::api {

// The order is the contract's (1.10): agents take 404 for "switched off", and carry on.
Answer post_certificate_renewal(PuppetCall call) {
  if (!call.authority.config().puppet.allow_auto_renewal) co_return plain(404, "Not Found");
  const auto& presented = call.request.client_certificate;
  const Response none = plain(400, "No valid certificate found in renewal request");
  if (!presented) co_return none;
  const auto row = co_await call.authority.renew(presented, call.caller);
  if (row.has_value()) co_return plain(200, x509::pem_encode(x509::kPemCertificate, row->der));
  if (row.error().code == Code::forbidden) {
    co_return plain(403, "Certificate present, but does not match signature");
  }
  co_return puppet_error(row.error(), call.request, 400);
}

}  // namespace countersign::api
