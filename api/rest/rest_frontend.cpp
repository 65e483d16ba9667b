#include "api/rest/rest_frontend.h"

#include <algorithm>

#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// The name of a scheme has no case (RFC 9110 11.1).
bool is_bearer(std::string_view credential) {
  if (credential.size() < kBearer.size()) return false;
  return std::ranges::equal(credential.substr(0, kBearer.size()), kBearer, [](char a, char b) {
    return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b) || (b >= 'A' && b <= 'Z' && b + 32 == a);
  });
}

bool may_call(const ca::Caller& caller, const RestRoute& route) {
  const auto may = [&caller](ca::Action action) { return ca::allowed(caller, action); };
  return route.actions.empty() || std::ranges::any_of(route.actions, may);
}

Answer call_route(ca::Authority& authority, RestSettings settings, const RestRoute& route,
                  Request request) {
  ca::Caller caller{.role = ca::Role::anonymous,
                    .name = "",
                    .source = request.source,
                    .request_id = request.request_id};
  const std::string_view credential = request.header("authorization");
  if (!credential.empty()) {
    // A credential that is wrong is an error even where none is needed: its owner wants to know.
    std::string secret;
    if (is_bearer(credential)) secret = credential.substr(kBearer.size());
    auto known =
        co_await authority.identify_token(std::move(secret), request.source, request.request_id);
    if (known.has_error()) {
      if (known.error().code == Code::unauthenticated) {
        co_await authority.audit_refusal("bad credential, " + request.method + " " + request.path,
                                         caller);
      }
      co_return problem(known.error(), request);
    }
    caller = std::move(*known);
  } else if (request.client_certificate) {
    caller = authority.identify_certificate(*request.client_certificate, request.source,
                                            request.request_id);
  }
  Response response;
  if (request.method != "GET" && from_another_site(request)) {
    co_await authority.audit_refusal("cross-site, " + request.method + " " + request.path, caller);
    response = problem(fail(Code::forbidden, "This comes from a page of another site."), request);
  } else if (caller.role == ca::Role::anonymous && !settings.anonymous && !route.open) {
    co_await authority.audit_refusal("no credential, " + request.method + " " + request.path,
                                     caller);
    response = problem(fail(Code::unauthenticated,
                            "This service takes no anonymous callers over REST. Use a client "
                            "certificate or a bearer token."),
                       request);
  } else if (!may_call(caller, route)) {
    // Before anything is read of it: whoever may not learns nothing of what is right or wrong.
    const std::vector<std::string> none;
    const auto refused = co_await authority.permit(route.actions.front(), none, caller);
    response = problem(refused.error(), request);
  } else {
    Call call(authority, request, caller);
    if (settings.connections) call.connections = settings.connections();
    response = co_await route.code(std::move(call));
  }
  response.caller = caller.describe();
  co_return response;
}

Answer dispatch(std::shared_ptr<const Router> router, Request request) {
  if (request.refused) {
    co_return problem(request.refused->error, request, request.refused->status);
  }
  const auto found = router->find(request.method, request.path);
  if (const auto* hit = std::get_if<Router::Found>(&found)) {
    request.parameters = hit->parameters;
    co_return co_await (*hit->handler)(std::move(request));
  }
  if (const auto* other = std::get_if<Router::NoMethod>(&found)) {
    Response response = problem(
        fail(Code::malformed, "This path does not take " + request.method + "."), request, 405);
    std::string allowed;
    for (const std::string& method : other->allowed) {
      allowed += (allowed.empty() ? "" : ", ") + method;
    }
    response.headers.emplace_back("Allow", allowed);
    co_return response;
  }
  co_return problem(fail(Code::not_found, "There is no such path. /v1/openapi.json lists them."),
                    request);
}

}  // namespace

void mount_rest(Router& router, ca::Authority& authority, const RestSettings& settings) {
  for (const RestRoute& route : rest_routes()) {
    router.add(std::string(route.method), std::string(route.pattern),
               [&authority, &route, settings](Request request) {
                 return call_route(authority, settings, route, std::move(request));
               });
  }
}

Handler rest_frontend(ca::Authority& authority, const RestSettings& settings) {
  const auto router = std::make_shared<Router>();
  mount_rest(*router, authority, settings);
  return [router](Request request) { return dispatch(router, std::move(request)); };
}

}  // namespace countersign::api
