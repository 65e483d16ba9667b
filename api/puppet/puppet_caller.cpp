// Who calls: the bearer of the connection's certificate, or whom a TLS terminator names.
#include <algorithm>

#include "api/puppet/client_headers.h"
#include "api/puppet/puppet_call.h"
#include "base/log.h"
#include "policy/cidr.h"

namespace countersign::api {
namespace {

// A misconfigured proxy sends them with every request.
constexpr auto kWarnEach = std::chrono::minutes(1);

bool is_trusted_proxy(const ca::PuppetSettings& settings, const std::string& source) {
  if (!settings.allow_header_cert_info) return false;
  const auto address = policy::parse_address(source);
  return address && std::ranges::any_of(settings.trusted_proxies, [&](const policy::Cidr& range) {
           return range.contains(*address);
         });
}

}  // namespace

void IgnoredHeaders::warn(const Request& request, Timestamp now) {
  std::uint64_t others = 0;
  {
    const std::lock_guard lock(mutex_);
    // A clock that went back does not silence it.
    if (now < next_ && next_ - now <= kWarnEach) {
      ++others_;
      return;
    }
    next_ = now + kWarnEach;
    others = std::exchange(others_, 0);
  }
  log::warn("client_headers_ignored",
            {{"source", request.source},
             {"others_since_last", others},
             {"hint", "[puppet] allow_header_cert_info and trusted_proxies"}});
}

boost::asio::awaitable<Result<ca::Caller>> identify_puppet_caller(ca::Authority& authority,
                                                                  IgnoredHeaders& ignored,
                                                                  Request& request,
                                                                  ca::Caller connected) {
  if (!is_trusted_proxy(authority.config().puppet, request.source)) {
    if (names_a_client(request)) ignored.warn(request, authority.clock().now());
    co_return connected;
  }
  // The connection's certificate is the proxy's own, and says nothing of its client.
  request.client_certificate = nullptr;
  auto forwarded = read_client_headers(request);
  if (forwarded.has_error()) co_return forwarded.error();
  // So that nothing reads them a second time.
  drop_client_headers(request);
  if (!*forwarded) {
    connected.role = ca::Role::anonymous;
    connected.name.clear();
    co_return connected;
  }
  request.client_certificate = (*forwarded)->certificate;
  co_return co_await authority.identify_forwarded((*forwarded)->name, request.client_certificate,
                                                  request.source, request.request_id);
}

}  // namespace countersign::api
