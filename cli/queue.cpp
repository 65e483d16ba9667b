#include "cli/queue.h"

#include <algorithm>

#include "cli/failure.h"
#include "cli/terminal.h"

namespace countersign::cli {

namespace json = boost::json;

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

std::string exactly(std::string_view name) {
  std::string pattern = "^";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (!plain) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "$";
}

json::array queued_by_name(Client& client, const std::vector<std::string>& names, int& code) {
  json::array found;
  for (const std::string& name : names) {
    auto rows =
        client.all("/v1/requests?state=queued&match=" + url_encoded(exactly(name)), "requests");
    if (rows.empty()) {
      print_note(escaped(name) +
                 ": no request of this name waits. `countersign list` shows what does.\n");
      code = kNothing;
    }
    for (json::value& row : rows) found.push_back(std::move(row));
  }
  return found;
}

}  // namespace countersign::cli
