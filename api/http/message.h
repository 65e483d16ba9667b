// Requests and responses as front ends see them: no sockets, no Beast.
#ifndef COUNTERSIGN_API_HTTP_MESSAGE_H_
#define COUNTERSIGN_API_HTTP_MESSAGE_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ca/caller.h"
#include "x509/certificate.h"

namespace countersign::api {

struct Request {
  std::string method;  // upper case
  std::string target;  // as it came
  std::string path;    // before '?', still percent-encoded
  std::string query;   // after '?', still encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string source;                                           // IP address
  std::string request_id;                                       // given by us
  std::shared_ptr<const x509::Certificate> client_certificate;  // verified, or null
  std::map<std::string, std::string> parameters;  // of the path, decoded once; filled by the Router

  std::string_view header(std::string_view name) const;  // first of that name, any case; "" if none
};

// One value of the query, percent- and plus-decoded. nullopt if absent.
std::optional<std::string> query_value(std::string_view query, std::string_view name);
// One level of percent-decoding; nullopt if it is malformed.
std::optional<std::string> percent_decode(std::string_view text);

struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string caller;  // for the log line
};

using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_MESSAGE_H_
