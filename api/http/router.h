// Finds the handler of a method and path.
#ifndef COUNTERSIGN_API_HTTP_ROUTER_H_
#define COUNTERSIGN_API_HTTP_ROUTER_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/http/message.h"

namespace countersign::api {

// Immutable once the server runs; then thread-safe.
class Router {
 public:
  // `pattern`: "/v1/requests/{id}/approve". A parameter is one segment, decoded once, not empty.
  void add(std::string method, std::string pattern, Handler handler);

  struct Found {
    const Handler* handler;
    std::map<std::string, std::string> parameters;
  };
  struct NoPath {};
  struct NoMethod {
    std::vector<std::string> allowed;
  };
  // A path with "." or ".." segments, an empty segment, or a bad escape matches nothing.
  std::variant<Found, NoPath, NoMethod> find(std::string_view method, std::string_view path) const;

  struct Route {
    std::string method;
    std::string pattern;
  };
  std::vector<Route> routes() const;

 private:
  struct Entry {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Entry> entries_;
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_ROUTER_H_
