// certificate/<name> and certificate_revocation_list.
#include "api/puppet/puppet_call.h"
#include "x509/pem.h"

namespace countersign::api {

Answer get_puppet_certificate(PuppetCall call) {
  if (call.subject == "ca") {
    if (not_modified(call.request, call.authority.started())) co_return plain(304, "");
    co_return plain(200, call.authority.chain_pem());
  }
  const auto row = co_await call.authority.current_certificate(call.subject, call.caller);
  if (row.has_value()) {
    if (not_modified(call.request, row->issued_at)) co_return plain(304, "");
    co_return plain(200, x509::pem_encode(x509::kPemCertificate, row->der));
  }
  if (row.error().code == Code::not_found) {
    co_return plain(404, "Could not find certificate " + call.subject);
  }
  co_return puppet_error(row.error(), call.request, 500);
}

Answer get_puppet_crl(PuppetCall call) {
  const ca::ServedCrls served = call.authority.agents_crls();
  if (not_modified(call.request, served.changed_at)) co_return plain(304, "");
  Response response = plain(200, "");
  response.shared_body = served.pem;
  co_return response;
}

Answer put_puppet_crls(PuppetCall call) {
  const auto done = co_await call.authority.upload_crls(call.request.body, call.caller);
  static constexpr const char* kType = "text/plain; charset=utf-8";
  if (done.has_value()) co_return plain(200, "Successfully updated CRLs.", kType);
  if (done.error().code == Code::malformed) co_return plain(400, done.error().detail, kType);
  co_return puppet_error(done.error(), call.request, 500);
}

}  // namespace countersign::api
