#include "api/http/wire.h"

#include "base/random.h"

namespace countersign::api {
namespace {

namespace http = boost::beast::http;

std::string new_request_id() {
  std::string id = to_hex(system_random().bytes(8));
  for (char& c : id) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  }
  return id;
}

// A value that would start another header line is not sent at all.
bool one_line(std::string_view text) {
  return text.find_first_of("\r\n") == std::string_view::npos;
}

std::string_view origin_form(std::string_view target) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    return end == std::string_view::npos ? "/" : target.substr(end);
  }
  return target;
}

}  // namespace

Request from_wire(WireRequest&& message, const std::string& source) {
  Request request;
  request.method = message.method_string();
  request.target = message.target();
  const std::string_view target = origin_form(request.target);
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& field : message) {
    request.headers.emplace_back(field.name_string(), field.value());
  }
  request.body = std::move(message.body());
  request.source = source;
  request.request_id = new_request_id();
  return request;
}

WireResponse to_wire(const Response& response, unsigned version, bool head, bool keep) {
  WireResponse out(static_cast<http::status>(response.status), version);
  out.set(http::field::server, "countersign");
  for (const auto& [name, value] : response.headers) {
    if (one_line(name) && one_line(value)) out.insert(name, value);
  }
  if (!response.content_type.empty()) {
    out.set(http::field::content_type, response.content_type);
  }
  out.keep_alive(keep);
  if (response.status == 204) return out;
  if (response.status == 304) {
    out.content_length(0);
    return out;
  }
  const std::string_view content = response.content();
  out.body() = {content.data(), content.size()};
  out.prepare_payload();
  if (head) out.body() = {};
  return out;
}

std::string head_text(const WireResponse& message) {
  std::string text = message.version() == 10 ? "HTTP/1.0 " : "HTTP/1.1 ";
  text += std::to_string(message.result_int());
  text += ' ';
  text += message.reason();
  text += "\r\n";
  for (const auto& field : message) {
    text += field.name_string();
    text += ": ";
    text += field.value();
    text += "\r\n";
  }
  text += "\r\n";
  return text;
}

}  // namespace countersign::api
