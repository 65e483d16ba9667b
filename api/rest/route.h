// One table: what is mounted is what the OpenAPI document says. Internal to api/rest.
#ifndef COUNTERSIGN_API_REST_ROUTE_H_
#define COUNTERSIGN_API_REST_ROUTE_H_

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/connection_counts.h"
#include "api/http/message.h"
#include "api/rest/page_query.h"
#include "api/rest/rest_frontend.h"
#include "ca/authority.h"

namespace countersign::api {

// What a route's code gets. It lives until the answer is made.
struct Call {
  // Not an aggregate: GCC 12 copies an aggregate that is made within a co_await expression byte by
  // byte into the coroutine's frame, and a short std::string then points into the old place.
  Call(ca::Authority& ca, const Request& asked, ca::Caller who)
      : authority(ca), request(asked), caller(std::move(who)) {}

  ca::Authority& authority;
  const Request& request;
  ca::Caller caller;
  std::optional<ConnectionCounts> connections;  // of the listener, where it tells
};
using RouteCode = boost::asio::awaitable<Response> (*)(Call call);

struct RestRoute {
  std::string_view method;
  std::string_view pattern;
  std::string_view operation;  // operationId
  std::string_view summary;
  std::vector<std::string_view> query;  // names of query parameters
  std::string_view body;                // schema of the JSON body; "" for none
  unsigned status;                      // of success
  std::string_view answer;              // schema of the answer, or a media type
  bool open;  // may be called with no credential even where anonymous callers are shut out
  // What it does, for the table of ca/permissions.h. Several: one of them, by what the body or the
  // id says. None: anyone may.
  std::vector<ca::Action> actions;
  RouteCode code;
};

const std::vector<RestRoute>& rest_routes();

// rest_request_query.cpp
// A cursor is MARK.POSITION; the mark stands for the filters and the order, which must be the same
// ones on each page.
struct RequestList {
  store::RequestQuery query;
  std::string mark;
};
Result<RequestList> read_request_list(const Request& request);

using Answer = boost::asio::awaitable<Response>;
// rest_requests.cpp
Answer post_request(Call call);
Answer list_requests(Call call);
Answer get_request(Call call);
Answer explain_policy(Call call);
// Everything about one request that the caller may see.
Answer whole_request(Call call, store::RequestRecord row);
// rest_approvals.cpp
Answer approve_request(Call call);
Answer deny_request(Call call);
Answer preview_requests(Call call);
Answer approve_requests(Call call);
Answer deny_requests(Call call);
// What an approval would do, as members of the request's row.
void add_preview(boost::json::object& body, const ca::Preview& preview);
// rest_replay.cpp
Answer replay_policy(Call call);
// rest_reload.cpp
Answer reload_policy(Call call);
// rest_certificates.cpp
Answer list_certificates(Call call);
Answer get_certificate(Call call);
Answer revoke_certificate(Call call);
Answer revoke_name(Call call);
Answer clean_names(Call call);
Answer get_chain(Call call);
Answer get_crl(Call call);
Answer get_history(Call call);
// rest_audit.cpp
Answer list_audit(Call call);
Answer list_audit_checkpoints(Call call);
// rest_hooks.cpp
Answer list_hooks(Call call);
// rest_tokens.cpp
Answer post_token(Call call);
Answer list_tokens(Call call);
Answer revoke_token(Call call);
// rest_enrolment_tokens.cpp
Answer post_enrolment_token(Call call, const boost::json::object& body);
Answer list_enrolment_tokens(Call call);
// rest_health.cpp
Answer get_live(Call call);
Answer get_ready(Call call);
Answer get_metrics(Call call);
// openapi.cpp
Answer get_openapi(Call call);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_ROUTE_H_
