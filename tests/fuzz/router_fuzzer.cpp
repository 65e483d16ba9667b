// A path that finds a route gives parameters that are one harmless segment each; the same path
// encoded anew finds the same; and what is decoded never grows.
#include <array>
#include <string>

#include "api/http/router.h"
#include "tests/fuzz/require.h"

namespace {

using countersign::api::Handler;
using countersign::api::Router;

const Router& router() {
  static const Router instance = [] {
    Router made;
    const Handler none;
    for (const char* pattern :
         {"/v1/requests", "/v1/requests/{id}", "/v1/requests/{id}/approve", "/v1/crl",
          "/puppet-ca/v1/certificate/{name}", "/puppet-ca/v1/certificate_request/{name}",
          "/puppet-ca/v1/certificate_revocation_list/{name}"}) {
      made.add("GET", pattern, none);
    }
    made.add("POST", "/v1/requests", none);
    made.add("PUT", "/puppet-ca/v1/certificate_request/{name}", none);
    return made;
  }();
  return instance;
}

std::string encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return out;
}

void check_path(std::string_view method, std::string_view path) {
  const auto result = router().find(method, path);
  if (const auto* other = std::get_if<Router::NoMethod>(&result)) {
    require(!other->allowed.empty());
    for (const std::string& allowed : other->allowed) {
      require(allowed != method);
      require(std::holds_alternative<Router::Found>(router().find(allowed, path)));
    }
    return;
  }
  const auto* found = std::get_if<Router::Found>(&result);
  if (found == nullptr) return;
  for (const auto& [name, value] : found->parameters) {
    require(!value.empty() && value != "." && value != "..");
    require(value.find('/') == std::string::npos && value.find('\0') == std::string::npos);
    require(value.size() <= path.size());
  }
  // Every segment encoded as a whole: the same route with the same parameters.
  std::string again;
  std::string_view rest = path;
  while (!rest.empty()) {
    require(rest.front() == '/');
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    const auto segment = countersign::api::percent_decode(rest.substr(1, end - 1));
    require(segment.has_value());
    again += '/' + encoded(*segment);
    rest.remove_prefix(end);
  }
  const auto second = router().find(method, again);
  const auto* same = std::get_if<Router::Found>(&second);
  require(same != nullptr && same->handler == found->handler);
  require(same->parameters == found->parameters);
}

}  // namespace

// The first line is the method, the second the path, what follows the query.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 2> lines;
  for (std::string_view& line : lines) {
    line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  check_path(lines[0], lines[1]);

  if (const auto decoded = countersign::api::percent_decode(text)) {
    require(decoded->size() <= text.size());
    require(countersign::api::percent_decode(encoded(*decoded)) == decoded);
  }
  require(countersign::api::percent_decode(encoded(text)) == std::string(text));
  for (const char* name : {"state", "limit", ""}) {
    const auto value = countersign::api::query_value(text, name);
    if (value) require(value->size() <= text.size());
  }
  // A value that is put into a query comes out as it was, whatever stands behind it.
  const std::string query = "cursor=" + encoded(text) + "&" + std::string(text);
  require(countersign::api::query_value(query, "cursor") == std::string(text));
  return 0;
}
