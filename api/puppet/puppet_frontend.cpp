#include "api/puppet/puppet_frontend.h"

#include <algorithm>
#include <array>

#include "api/puppet/puppet_call.h"
#include "base/log.h"

namespace countersign::api {
namespace {

using Code_ = Answer (*)(PuppetCall call);

struct PuppetRoute {
  std::string_view method;
  std::string_view path;  // behind /puppet-ca/v1/
  bool subject;           // one more segment follows
  Code_ code;
};

constexpr auto kRoutes = std::to_array<PuppetRoute>({
    {"GET", "certificate", true, get_puppet_certificate},
    {"GET", "certificate_revocation_list", true, get_puppet_crl},
    {"PUT", "certificate_revocation_list", false, put_puppet_crls},
    {"GET", "certificate_request", true, get_certificate_request},
    {"PUT", "certificate_request", true, put_certificate_request},
    {"GET", "certificate_status", true, get_certificate_status},
    {"PUT", "certificate_status", true, put_certificate_status},
    {"DELETE", "certificate_status", true, delete_certificate_status},
    {"GET", "certificate_statuses", true, get_certificate_statuses},
    {"GET", "expirations", false, get_expirations},
    {"PUT", "clean", false, put_clean},
    {"POST", "sign", false, post_sign},
    {"POST", "sign/all", false, post_sign_all},
    {"POST", "certificate_renewal", false, post_certificate_renewal},
});

struct Permission {
  std::string_view method;
  std::string_view prefix;  // of the decoded path
  // For the table of ca/permissions.h. Two: one of them, by what the body says.
  ca::Action action;
  std::optional<ca::Action> other = std::nullopt;
  bool whole = false;  // the prefix is the whole path
};

// Puppet's default rules (auth.conf), which are prefixes but for one; what no row names, nobody
// may.
constexpr std::string_view kRoot = "/puppet-ca/v1/";
constexpr auto kPermissions = std::to_array<Permission>({
    {"GET", "certificate/", ca::Action::read_own},
    {"GET", "certificate_revocation_list/ca", ca::Action::read_own},
    {"PUT", "certificate_revocation_list", ca::Action::upload_crls, std::nullopt, true},
    {"GET", "certificate_request", ca::Action::read_own},
    {"PUT", "certificate_request", ca::Action::submit},
    {"GET", "certificate_status", ca::Action::read_all},
    {"PUT", "certificate_status", ca::Action::revoke, ca::Action::decide},
    {"DELETE", "certificate_status", ca::Action::revoke},
    {"PUT", "clean", ca::Action::revoke},
    {"POST", "sign", ca::Action::decide},
    {"POST", "certificate_renewal", ca::Action::renew},
    {"GET", "expirations", ca::Action::read_expirations},
});

bool permitted(std::string_view method, std::string_view path, const ca::Caller& caller) {
  if (!path.starts_with(kRoot)) return false;
  path.remove_prefix(kRoot.size());
  return std::ranges::any_of(kPermissions, [&](const Permission& row) {
    return row.method == method && path.starts_with(row.prefix) &&
           (!row.whole || path == row.prefix) &&
           (ca::allowed(caller, row.action) || (row.other && ca::allowed(caller, *row.other)));
  });
}

// The alphabet of Puppet's own router.
bool good_subject(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Answer handle_ca(ca::Authority& authority, const Request& request, const ca::Caller& caller) {
  const auto path = percent_decode(request.path);
  const bool traversal =
      !path || path->find("/../") != std::string::npos || path->find('\0') != std::string::npos;
  const bool cross_site = request.method != "GET" && from_another_site(request);
  if (traversal || cross_site || !permitted(request.method, *path, caller)) {
    co_await authority.audit_refusal(request.method + " " + request.path, caller);
    co_return forbidden(request, path.value_or(request.path));
  }
  const std::string_view rest = std::string_view(*path).substr(kRoot.size());
  for (const PuppetRoute& route : kRoutes) {
    if (route.method != request.method || !rest.starts_with(route.path)) continue;
    std::string_view tail = rest.substr(route.path.size());
    if (!route.subject && !tail.empty()) continue;
    // A variable with a name: GCC 12 destroys an aggregate that is made in a co_await twice.
    PuppetCall call{authority, request, caller, ""};
    if (!route.subject) co_return co_await route.code(std::move(call));
    if (!tail.starts_with('/')) continue;
    tail.remove_prefix(1);
    if (tail.empty() && route.path == "certificate_statuses") {
      co_return plain(400, "Missing URL Segment", "text/plain; charset=utf-8");
    }
    if (!good_subject(tail)) break;
    call.subject = tail;
    co_return co_await route.code(std::move(call));
  }
  co_return unknown_path();
}

Answer answer(ca::Authority& authority, IgnoredHeaders& ignored, Request& request,
              ca::Caller& caller) {
  if (request.refused) {
    Response response = puppet_error(request.refused->error, request, request.refused->status);
    response.status = request.refused->status;
    co_return response;
  }
  if (request.path.starts_with("/status")) co_return puppet_status(request);
  auto identified = co_await identify_puppet_caller(authority, ignored, request, caller);
  if (identified.has_error()) {
    log::info("client_headers_refused",
              {{"request_id", request.request_id}, {"reason", identified.error().detail}});
    co_await authority.audit_refusal(request.method + " " + request.path, caller);
    co_return refused_certificate(identified.error(), request);
  }
  caller = std::move(*identified);
  co_return co_await handle_ca(authority, request, caller);
}

Answer handle(ca::Authority& authority, std::shared_ptr<IgnoredHeaders> ignored, Request request) {
  ca::Caller caller{.role = ca::Role::anonymous,
                    .name = "",
                    .source = request.source,
                    .request_id = request.request_id};
  if (request.client_certificate) {
    caller = authority.identify_certificate(*request.client_certificate, request.source,
                                            request.request_id);
  }
  Response response = co_await answer(authority, *ignored, request, caller);
  if (!request.path.starts_with("/status")) {
    response.headers.emplace_back("X-Puppet-Version", kPuppetVersion);
  }
  response.caller = caller.describe();
  co_return response;
}

}  // namespace

Handler puppet_frontend(ca::Authority& authority) {
  return [&authority, ignored = std::make_shared<IgnoredHeaders>()](Request request) {
    return handle(authority, ignored, std::move(request));
  };
}

}  // namespace countersign::api
