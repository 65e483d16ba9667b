// Requests and responses as front ends see them: no sockets, no Beast.
#ifndef COUNTERSIGN_API_HTTP_MESSAGE_H_
#define COUNTERSIGN_API_HTTP_MESSAGE_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
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

  // Set if the server itself refuses the request (a limit, an unreadable header, too many
  // connections, an exception): the front end of the path only says so in its own form, with this
  // status, before it looks at anything else. There is no body then.
  struct Refused {
    unsigned status;
    Error error;
  };
  std::optional<Refused> refused;

  std::string_view header(std::string_view name) const;  // first of that name, any case; "" if none
};

// Did a browser send this because a page of another site told it to (Sec-Fetch-Site)? A client
// certificate in a browser is sent along with such requests as well.
bool from_another_site(const Request& request);

// Which of `types` the client likes best by its Accept (RFC 9110 12.5.1); the first of them where
// it likes several equally, or none, or says nothing.
std::string_view preferred_type(const Request& request,
                                std::initializer_list<std::string_view> types);

// The same, but nullopt where the client says what it takes, and none of `types` is that.
std::optional<std::string_view> acceptable_type(const Request& request,
                                                std::span<const std::string_view> types);

// Are they the same but for the case of ASCII letters?
bool same_letters(std::string_view a, std::string_view b);

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
  // Instead of `body`, where many answers share one large text: none of them has a copy.
  std::shared_ptr<const std::string> shared_body;

  std::string_view content() const { return shared_body ? *shared_body : body; }
};

using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_MESSAGE_H_
