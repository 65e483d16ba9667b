// What the parts of the Puppet front end share. Internal to api/puppet.
#ifndef COUNTERSIGN_API_PUPPET_PUPPET_CALL_H_
#define COUNTERSIGN_API_PUPPET_PUPPET_CALL_H_

#include <string>
#include <string_view>

#include "api/http/message.h"
#include "ca/authority.h"

namespace countersign::api {

using Answer = boost::asio::awaitable<Response>;

struct PuppetCall {
  // Not an aggregate: see Call in api/rest/route.h.
  PuppetCall(ca::Authority& ca, const Request& asked, ca::Caller who, std::string last_segment)
      : authority(ca), request(asked), caller(std::move(who)), subject(std::move(last_segment)) {}

  ca::Authority& authority;
  const Request& request;
  ca::Caller caller;
  std::string subject;  // the last segment of the path, decoded once; "" if there is none
};

// Agents and the CLI compare this with versions of puppetserver: at least 8.4.0 tells the CLI that
// bulk signing is there.
inline constexpr std::string_view kPuppetVersion = "8.7.0";

Response plain(unsigned status, std::string body, std::string type = "text/plain");
// An error that has no text of its own in Puppet's protocol.
Response puppet_error(const Error& error, const Request& request, unsigned refused);
// Is the client's copy as new as ours (304)? An unreadable date counts as no date.
bool not_modified(const Request& request, Timestamp changed);

// puppet_certificate.cpp
Answer get_puppet_certificate(PuppetCall call);
Answer get_puppet_crl(PuppetCall call);
Answer put_puppet_crls(PuppetCall call);
// puppet_certificate_renewal.cpp
Answer post_certificate_renewal(PuppetCall call);
// puppet_certificate_request.cpp
Answer put_certificate_request(PuppetCall call);
Answer get_certificate_request(PuppetCall call);
// puppet_certificate_status.cpp
Answer get_certificate_status(PuppetCall call);
Answer put_certificate_status(PuppetCall call);
Answer delete_certificate_status(PuppetCall call);
Answer get_certificate_statuses(PuppetCall call);
// puppet_bulk.cpp
Answer put_clean(PuppetCall call);
Answer post_sign(PuppetCall call);
Answer post_sign_all(PuppetCall call);

// Signs the queued request of a name as Puppet's settings allow.
boost::asio::awaitable<Result<void>> puppet_sign(PuppetCall& call, std::string certname,
                                                 std::optional<std::chrono::seconds> ttl);
// All queued requests, oldest first.
boost::asio::awaitable<Result<std::vector<store::RequestRecord>>> all_queued(PuppetCall& call);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_PUPPET_PUPPET_CALL_H_
