#include "cli/queue.h"

#include <algorithm>

#include "cli/failure.h"
#include "cli/terminal.h"

namespace countersign::cli {

namespace json = boost::json;

namespace {

// So that each answer comes within the client's patience.
constexpr std::size_t kAtOnce = 100;

}  // namespace

std::string member(const json::value& row, const char* key) {
  const auto* object = row.if_object();
  const auto* value = object != nullptr ? object->if_contains(key) : nullptr;
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return std::string(value->get_string());
  if (!value->is_array()) return json::serialize(*value);
  std::string text;
  for (const auto& item : value->get_array()) {
    text += (text.empty() ? "" : ",") +
            (item.is_string() ? std::string(item.get_string()) : json::serialize(item));
  }
  return text;
}

json::array queued_by_name(Client& client, const std::vector<std::string>& names, int& code) {
  json::array found;
  for (const std::string& name : names) {
    auto rows = client.all("/v1/requests?state=queued&certname=" + url_encoded(name), "requests");
    if (rows.empty()) {
      print_note(escaped(name) +
                 ": no request of this name waits. `countersign list` shows what does.\n");
      code = kNothing;
    }
    for (json::value& row : rows) found.push_back(std::move(row));
  }
  return found;
}

json::array in_bulk(Client& client, const char* path, const char* answer, const char* list,
                    const json::array& requests, const json::object& body,
                    json::value (*item)(const json::value& request)) {
  json::array results;
  for (std::size_t begin = 0; begin < requests.size(); begin += kAtOnce) {
    json::array some;
    const std::size_t end = std::min(begin + kAtOnce, requests.size());
    for (std::size_t i = begin; i < end; ++i) some.push_back(item(requests[i]));
    json::object call = body;
    call[list] = std::move(some);
    json::value reply = client.must("POST", path, call);
    for (json::value& result : reply.at(answer).as_array()) results.push_back(std::move(result));
  }
  return results;
}

json::value id_of(const json::value& request) { return request.at("id"); }

json::array previews_of(Client& client, const json::array& requests, const json::object& options) {
  return in_bulk(client, "/v1/requests/preview", "previews", "ids", requests, options, id_of);
}

std::string problem_of(const json::value& result) {
  const auto* problem = result.as_object().if_contains("problem");
  return problem == nullptr ? "" : member(*problem, "detail");
}

}  // namespace countersign::cli
