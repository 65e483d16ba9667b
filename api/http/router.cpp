#include "api/http/router.h"

#include <algorithm>

namespace countersign::api {
namespace {

// The segments behind the first '/', still encoded.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return segments;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// A decoded parameter may be anything but a way to another place.
bool good_value(const std::string& value) {
  return !value.empty() && value != "." && value != ".." && value.find('/') == std::string::npos &&
         value.find('\0') == std::string::npos;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
  std::vector<std::string> segments = split(pattern);
  entries_.push_back(
      {std::move(method), std::move(pattern), std::move(segments), std::move(handler)});
}

std::variant<Router::Found, Router::NoPath, Router::NoMethod> Router::find(
    std::string_view method, std::string_view path) const {
  const std::vector<std::string> wanted = split(path);
  const bool bad = std::ranges::any_of(
      wanted, [](const std::string& s) { return s.empty() || s == "." || s == ".."; });
  if (bad) return NoPath{};
  NoMethod others;
  for (const Entry& entry : entries_) {
    if (entry.segments.size() != wanted.size()) continue;
    std::map<std::string, std::string> parameters;
    bool same = true;
    for (std::size_t i = 0; same && i < wanted.size(); ++i) {
      const std::string& segment = entry.segments[i];
      const auto value = percent_decode(wanted[i]);
      if (is_parameter(segment)) {
        same = value && good_value(*value);
        if (same) parameters[segment.substr(1, segment.size() - 2)] = *value;
      } else {
        same = value == segment;
      }
    }
    if (!same) continue;
    if (entry.method == method) return Found{&entry.handler, std::move(parameters)};
    others.allowed.push_back(entry.method);
  }
  if (others.allowed.empty()) return NoPath{};
  return others;
}

std::vector<Router::Route> Router::routes() const {
  std::vector<Route> list;
  for (const Entry& entry : entries_) list.push_back({entry.method, entry.pattern});
  return list;
}

}  // namespace countersign::api
