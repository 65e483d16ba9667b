// What the parts of the Puppet front end share. Internal to api/puppet.
#ifndef COUNTERSIGN_API_PUPPET_PUPPET_CALL_H_
#define COUNTERSIGN_API_PUPPET_PUPPET_CALL_H_

#include <mutex>
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
// 404 as puppetserver's router has it.
Response unknown_path();
// 403 in Puppet's words. `path`: decoded.
Response forbidden(const Request& request, const std::string& path);
// Is the client's copy as new as ours (304)? An unreadable date counts as no date.
bool not_modified(const Request& request, Timestamp changed);

// puppet_caller.cpp
// Says in the log that X-Client-* headers were not looked at, once a minute. Thread-safe.
class IgnoredHeaders {
 public:
  void warn(const Request& request, Timestamp now);

 private:
  std::mutex mutex_;  // guards the rest
  Timestamp next_{};
  std::uint64_t others_ = 0;
};
// Who calls: `connected`, whom the connection's certificate names, or, where a trusted proxy has
// sent the request, whom its headers name; they are then taken out of `request`, and its
// client_certificate is the one that came in them. An error refuses the request as a refused
// handshake would, whatever it asks for.
boost::asio::awaitable<Result<ca::Caller>> identify_puppet_caller(ca::Authority& authority,
                                                                  IgnoredHeaders& ignored,
                                                                  Request& request,
                                                                  ca::Caller connected);
// The answer to such an error, and to a renewal that fails for such a reason.
Response refused_certificate(const Error& error, const Request& request);

// puppet_certificate.cpp
Answer get_puppet_certificate(PuppetCall call);
Answer get_puppet_crl(PuppetCall call);
Answer put_puppet_crls(PuppetCall call);
// puppet_certificate_renewal.cpp
Answer post_certificate_renewal(PuppetCall call);
// puppet_service_status.cpp: /status/v1, for anyone
Response puppet_status(const Request& request);
// puppet_expirations.cpp
Answer get_expirations(PuppetCall call);
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
// What a signature in Puppet's protocol may give: what Puppet's settings allow.
ca::Approval puppet_approval(const PuppetCall& call,
                             std::optional<std::chrono::seconds> ttl = std::nullopt);
// All queued requests, oldest first.
boost::asio::awaitable<Result<std::vector<store::RequestRecord>>> all_queued(PuppetCall& call);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_PUPPET_PUPPET_CALL_H_
