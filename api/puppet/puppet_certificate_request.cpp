// certificate_request/<name>: what agents submit.
#include "api/puppet/puppet_call.h"
#include "ca/enrolment.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

Response taken(const std::string& name, const char* what) {
  return plain(400, name + " already has a " + what + " certificate; ignoring certificate request",
               "text/plain; charset=utf-8");
}

}  // namespace

Answer put_certificate_request(PuppetCall call) {
  ca::Submission submission{.csr = call.request.body, .name = call.subject, .puppet = true};
  const auto outcome = co_await call.authority.submit(std::move(submission), call.caller);
  if (outcome.has_error()) co_return puppet_error(outcome.error(), call.request, 400);
  const store::RequestRecord& row = outcome->request;
  if (row.state == store::RequestState::denied) {
    // Puppet has no such answer; an agent takes anything but 2xx and 400 as a failure and shows it.
    co_return plain(403, row.reason);
  }
  if (outcome->repeated) {
    co_return taken(row.certname,
                    row.state == store::RequestState::queued ? "requested" : "signed");
  }
  co_return plain(200, "");
}

Answer get_certificate_request(PuppetCall call) {
  const auto row = co_await call.authority.queued_request(call.subject, call.caller);
  if (row.has_value()) {
    // Puppet's CA shows it to anyone, and with it the token or password that it carries.
    if (!ca::allowed(call.caller, ca::Action::read_secrets) && ca::carries_secret(row->csr)) {
      co_return plain(403, "The request of " + call.subject +
                               " carries a password; only an operator may read it.");
    }
    co_return plain(200, x509::pem_encode(x509::kPemCsr, row->csr));
  }
  if (row.error().code == Code::not_found) {
    co_return plain(404, "Could not find certificate_request " + call.subject);
  }
  co_return puppet_error(row.error(), call.request, 500);
}

}  // namespace countersign::api
