// Between Beast's messages and ours. Internal to api/http.
#ifndef COUNTERSIGN_API_HTTP_WIRE_H_
#define COUNTERSIGN_API_HTTP_WIRE_H_

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "api/http/message.h"

namespace countersign::api {

using WireRequest = boost::beast::http::request<boost::beast::http::string_body>;
using WireResponse = boost::beast::http::response<boost::beast::http::span_body<const char>>;

// A new request id is given. A target in absolute form (RFC 9112 3.2.2) loses its scheme and
// authority; the path stays percent-encoded.
Request from_wire(WireRequest&& message, const std::string& source);

// `keep`: the connection stays open. To HEAD, and with 204 and 304, no body is sent. Refers to
// `response`, which must outlive it.
WireResponse to_wire(const Response& response, unsigned version, bool head, bool keep);

// The status line and the headers as they are sent, with the empty line after them.
std::string head_text(const WireResponse& message);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_WIRE_H_
