#include "api/puppet/puppet_frontend.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "api/puppet/puppet_call.h"

namespace countersign::api {
namespace {

enum class Who { anyone, certificates, operators };
using Code_ = Answer (*)(PuppetCall call);

struct PuppetRoute {
  std::string_view method;
  std::string_view path;  // behind /puppet-ca/v1/
  bool subject;           // one more segment follows
  Code_ code;
};

constexpr std::array<PuppetRoute, 12> kRoutes = {{
    {"GET", "certificate", true, get_puppet_certificate},
    {"GET", "certificate_revocation_list", true, get_puppet_crl},
    {"GET", "certificate_request", true, get_certificate_request},
    {"PUT", "certificate_request", true, put_certificate_request},
    {"GET", "certificate_status", true, get_certificate_status},
    {"PUT", "certificate_status", true, put_certificate_status},
    {"DELETE", "certificate_status", true, delete_certificate_status},
    {"GET", "certificate_statuses", true, get_certificate_statuses},
    {"PUT", "clean", false, put_clean},
    {"POST", "sign", false, post_sign},
    {"POST", "sign/all", false, post_sign_all},
    {"POST", "certificate_renewal", false, post_certificate_renewal},
}};

struct Permission {
  std::string_view method;
  std::string_view prefix;  // of the decoded path
  Who who;
};

// Puppet's default rules (auth.conf), which are prefixes; what no row names, nobody may.
constexpr std::string_view kRoot = "/puppet-ca/v1/";
constexpr std::array<Permission, 10> kPermissions = {{
    {"GET", "certificate/", Who::anyone},
    {"GET", "certificate_revocation_list/ca", Who::anyone},
    {"GET", "certificate_request", Who::anyone},
    {"PUT", "certificate_request", Who::anyone},
    {"GET", "certificate_status", Who::operators},
    {"PUT", "certificate_status", Who::operators},
    {"DELETE", "certificate_status", Who::operators},
    {"PUT", "clean", Who::operators},
    {"POST", "sign", Who::operators},
    {"POST", "certificate_renewal", Who::certificates},
}};

bool may(Who who, const ca::Caller& caller) {
  if (who == Who::operators) return caller.role == ca::Role::operator_;
  return who == Who::anyone || caller.role != ca::Role::anonymous;
}

bool permitted(std::string_view method, std::string_view path, const ca::Caller& caller) {
  if (!path.starts_with(kRoot)) return false;
  path.remove_prefix(kRoot.size());
  return std::ranges::any_of(kPermissions, [&](const Permission& row) {
    return row.method == method && path.starts_with(row.prefix) && may(row.who, caller);
  });
}

// The alphabet of Puppet's own router.
bool good_subject(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

// As puppetserver's router has it.
Response unknown_path() { return plain(404, "Not Found", "text/html; charset=utf-8"); }

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

// With a type, which puppetserver leaves out: the body repeats the path, and a browser that has to
// guess could take it for HTML.
Response forbidden(const Request& request, const std::string& path) {
  return plain(403, "Forbidden request: " + path + " (method :" + lower(request.method) +
                        "). Please see the server logs for details.");
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

Response handle_status(const Request& request) {
  static constexpr std::array<std::string_view, 3> kServices = {"ca", "server", "master"};
  static constexpr const char* kStatusText = "text/plain; charset=utf-8";
  static constexpr const char* kStatusJson = "application/json; charset=utf-8";
  static constexpr std::string_view kSimple = "/status/v1/simple";
  static constexpr std::string_view kFull = "/status/v1/services";
  const std::string object = R"({"service_version":")" + std::string(kPuppetVersion) +
                             R"(","service_status_version":1,"detail_level":"info",)"
                             R"("state":"running","status":{},"active_alerts":[])";
  const std::string_view path = request.path;
  // Puppet's rules are prefixes here too.
  if (request.method != "GET" || !(path.starts_with(kSimple) || path.starts_with(kFull))) {
    return forbidden(request, request.path);
  }
  if (path == kSimple) return plain(200, "running", kStatusText);
  if (path.starts_with(kSimple) && path[kSimple.size()] == '/') {
    const std::string_view service = path.substr(kSimple.size() + 1);
    if (std::ranges::find(kServices, service) != kServices.end())
      return plain(200, "running", kStatusText);
    return plain(404, "not found: " + std::string(service), kStatusText);
  }
  if (path == kFull) {
    std::string all = "{";
    for (const std::string_view service : kServices) {
      all += (all.size() > 1 ? "," : "") + ("\"" + std::string(service) + "\":") + object + "}";
    }
    return plain(200, all + "}", kStatusJson);
  }
  if (path.starts_with(kFull) && path[kFull.size()] == '/') {
    const std::string_view service = path.substr(kFull.size() + 1);
    if (std::ranges::find(kServices, service) != kServices.end()) {
      return plain(200, object + R"(,"service_name":")" + std::string(service) + "\"}",
                   kStatusJson);
    }
    const boost::json::object problem{
        {"kind", "service-not-found"},
        {"msg", "No status information found for service " + std::string(service)}};
    return plain(404, boost::json::serialize(problem), kStatusJson);
  }
  return unknown_path();
}

Answer handle(ca::Authority& authority, Request request) {
  ca::Caller caller{.role = ca::Role::anonymous,
                    .name = "",
                    .source = request.source,
                    .request_id = request.request_id};
  if (request.client_certificate) {
    caller = authority.identify_certificate(*request.client_certificate, request.source,
                                            request.request_id);
  }
  Response response;
  if (request.refused) {
    response = puppet_error(request.refused->error, request, request.refused->status);
    response.status = request.refused->status;
  } else if (request.path.starts_with("/status")) {
    response = handle_status(request);
  } else {
    response = co_await handle_ca(authority, request, caller);
  }
  if (!request.path.starts_with("/status")) {
    response.headers.emplace_back("X-Puppet-Version", kPuppetVersion);
  }
  response.caller = caller.describe();
  co_return response;
}

}  // namespace

Handler puppet_frontend(ca::Authority& authority) {
  return [&authority](Request request) { return handle(authority, std::move(request)); };
}

}  // namespace countersign::api
