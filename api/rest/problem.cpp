#include "api/rest/problem.h"

#include <boost/json.hpp>

#include "base/log.h"

namespace countersign::api {
namespace {

std::string_view title_of(Code code) {
  switch (code) {
    case Code::malformed:
      return "The input cannot be read";
    case Code::too_large:
      return "The input is too large";
    case Code::bad_csr:
      return "The certification request is not acceptable";
    case Code::bad_proof:
      return "The request does not prove possession of its key";
    case Code::bad_key:
      return "The key is not acceptable";
    case Code::bad_name:
      return "The name is not acceptable";
    case Code::name_mismatch:
      return "The names differ";
    case Code::not_granted:
      return "The request asks for more than may be granted";
    case Code::denied:
      return "The request is denied";
    case Code::unauthenticated:
      return "A credential is needed";
    case Code::forbidden:
      return "The credential does not allow this";
    case Code::out_of_scope:
      return "The credential is narrowed to other names or rules";
    case Code::not_found:
      return "There is no such thing";
    case Code::request_exists:
      return "The name has a request";
    case Code::certificate_exists:
      return "The name has a certificate";
    case Code::revoked_exists:
      return "The name has a revoked certificate";
    case Code::conflict:
      return "The state does not allow this";
    case Code::already_revoked:
      return "It is revoked already";
    case Code::already_approved:
      return "Another person must approve it";
    case Code::rate_limited:
      return "Too many requests";
    case Code::overloaded:
      return "The service is overloaded";
    case Code::unavailable:
      return "The service cannot do this now";
    case Code::internal:
      return "Internal error";
  }
  return "Internal error";
}

}  // namespace

std::string problem_type(Code code) {
  return "urn:countersign:problem:" + std::string(to_string(code));
}

unsigned http_status(Code code) {
  switch (code) {
    case Code::malformed:
    case Code::bad_csr:
    case Code::bad_proof:
    case Code::bad_key:
    case Code::bad_name:
    case Code::name_mismatch:
      return 400;
    case Code::too_large:
      return 413;
    case Code::not_granted:
    case Code::denied:
    case Code::forbidden:
    case Code::out_of_scope:
      return 403;
    case Code::unauthenticated:
      return 401;
    case Code::not_found:
      return 404;
    case Code::request_exists:
    case Code::certificate_exists:
    case Code::revoked_exists:
    case Code::conflict:
    case Code::already_revoked:
    case Code::already_approved:
      return 409;
    case Code::rate_limited:
      return 429;
    case Code::overloaded:
    case Code::unavailable:
      return 503;
    case Code::internal:
      return 500;
  }
  return 500;
}

Response problem(const Error& error, const Request& request, unsigned status) {
  if (!error.cause.empty()) {
    log::warn("problem", {{"request_id", request.request_id},
                          {"code", to_string(error.code)},
                          {"cause", error.cause}});
  }
  Response response;
  response.status = status != 0 ? status : http_status(error.code);
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(boost::json::object{{"type", problem_type(error.code)},
                                                             {"title", title_of(error.code)},
                                                             {"status", response.status},
                                                             {"detail", error.detail},
                                                             {"request_id", request.request_id}});
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (response.status == 503 || response.status == 429) {
    response.headers.emplace_back("Retry-After", "2");
  }
  return response;
}

}  // namespace countersign::api
