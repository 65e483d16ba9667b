// /status/v1: what tools and agents ask to see whether a puppetserver is there.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "api/puppet/puppet_call.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json; charset=utf-8";

// `ca` is asked for by the CLI, the others by agents with a server_list.
constexpr std::array<std::string_view, 3> kServices = {"ca", "server", "master"};

bool is_service(std::string_view name) {
  return std::ranges::find(kServices, name) != kServices.end();
}

// What follows `prefix` and one '/'; nullopt if the path does not begin so.
std::optional<std::string_view> below(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix) || path.substr(prefix.size(), 1) != "/") return std::nullopt;
  return path.substr(prefix.size() + 1);
}

json::object described(const std::string& level) {
  return {{"service_version", kPuppetVersion},
          {"service_status_version", 1},
          {"detail_level", level},
          {"state", "running"},
          {"status", json::object{}},
          {"active_alerts", json::array{}}};
}

Response services(const Request& request, std::optional<std::string_view> one) {
  json::object answer;
  if (one && !is_service(*one)) {
    answer = {{"kind", "service-not-found"},
              {"msg", "No status information found for service " + std::string(*one)}};
    return plain(404, json::serialize(answer), kJson);
  }
  const std::string level = query_value(request.query, "level").value_or("info");
  if (level != "critical" && level != "info" && level != "debug") {
    answer = {{"kind", "data-invalid"}, {"msg", "Invalid level: :" + level}};
    return plain(400, json::serialize(answer), kJson);
  }
  if (one) {
    answer = described(level);
    answer["service_name"] = *one;
  } else {
    for (const std::string_view service : kServices) answer[service] = described(level);
  }
  return plain(200, json::serialize(answer), kJson);
}

}  // namespace

Response puppet_status(const Request& request) {
  static constexpr std::string_view kSimple = "/status/v1/simple";
  static constexpr std::string_view kFull = "/status/v1/services";
  const std::string_view path = request.path;
  // Puppet's rules for these paths are prefixes.
  if (request.method != "GET" || !(path.starts_with(kSimple) || path.starts_with(kFull))) {
    return forbidden(request, request.path);
  }
  if (path == kSimple) return plain(200, "running", kText);
  if (const auto service = below(kSimple, path)) {
    if (is_service(*service)) return plain(200, "running", kText);
    return plain(404, "not found: " + std::string(*service), kText);
  }
  if (path == kFull) return services(request, std::nullopt);
  if (const auto service = below(kFull, path)) return services(request, *service);
  return unknown_path();
}

}  // namespace countersign::api
