#include "api/puppet/puppet_call.h"

#include <time.h>

#include "base/log.h"

namespace countersign::api {

Response plain(unsigned status, std::string body, std::string type) {
  Response response;
  response.status = status;
  response.content_type = std::move(type);
  response.body = std::move(body);
  return response;
}

Response unknown_path() { return plain(404, "Not Found", "text/html; charset=utf-8"); }

// With a type, which puppetserver leaves out: the body repeats the path, and a browser that has to
// guess could take it for HTML.
Response forbidden(const Request& request, const std::string& path) {
  std::string method = request.method;
  for (char& c : method) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return plain(403, "Forbidden request: " + path + " (method :" + method +
                        "). Please see the server logs for details.");
}

Response puppet_error(const Error& error, const Request& request, unsigned refused) {
  if (!error.cause.empty()) {
    log::warn("puppet_error", {{"request_id", request.request_id}, {"cause", error.cause}});
  }
  Response response = plain(refused, error.detail, "text/plain; charset=utf-8");
  switch (error.code) {
    case Code::too_large:
      response.status = 413;
      break;
    case Code::denied:
    case Code::forbidden:
    case Code::out_of_scope:
    case Code::unauthenticated:
      response.status = 403;
      break;
    case Code::overloaded:
    case Code::unavailable:
    case Code::rate_limited:
      response.status = 503;
      response.headers.emplace_back("Retry-After", "2");
      break;
    case Code::internal:
      response.status = 500;
      response.body = "Internal Server Error: " + error.detail;
      break;
    case Code::bad_proof:
      response.body = "CSR contains a public key that does not correspond to the signing key";
      break;
    default:
      break;
  }
  return response;
}

bool not_modified(const Request& request, Timestamp changed) {
  const std::string date(request.header("if-modified-since"));
  std::tm parts{};
  const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S", &parts);
  if (end == nullptr || std::string_view(end) != " GMT") return false;
  const Timestamp theirs{std::chrono::seconds(::timegm(&parts))};
  return changed <= theirs;
}

}  // namespace countersign::api
