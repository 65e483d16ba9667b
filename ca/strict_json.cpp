#include "ca/strict_json.h"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <set>
#include <vector>

namespace countersign::ca {
namespace {

namespace json = boost::json;

constexpr std::size_t kDeepest = 8;

// Sees every member's name as it is written, escapes resolved. The parser that builds values keeps
// the last of two and says nothing.
class NameWatcher {
 public:
  static constexpr std::size_t max_object_size = 4096;
  static constexpr std::size_t max_array_size = 4096;
  static constexpr std::size_t max_key_size = 4096;
  static constexpr std::size_t max_string_size = std::size_t{1} << 20U;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    names_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    names_.pop_back();
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    name_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    name_.append(part.data(), part.size());
    if (!names_.back().insert(std::move(name_)).second) {
      twice_ = true;
      error = json::error::syntax;
    }
    name_.clear();
    return !error;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  bool twice() const { return twice_; }

 private:
  bool twice_ = false;
  std::vector<std::set<std::string>> names_;  // of each object that is open
  std::string name_;
};

json::parse_options options() {
  json::parse_options options;
  options.max_depth = kDeepest;
  return options;
}

}  // namespace

Result<json::object> parse_json_object(std::string_view text) {
  json::basic_parser<NameWatcher> watcher(options());
  json::error_code error;
  const std::size_t read = watcher.write_some(false, text.data(), text.size(), error);
  if (watcher.handler().twice()) return fail(Code::malformed, "it has a member twice");
  if (error || read != text.size()) return fail(Code::malformed, "it is no JSON");
  json::value value = json::parse({text.data(), text.size()}, error, {}, options());
  if (error || !value.is_object()) return fail(Code::malformed, "it is no object");
  return std::move(value.get_object());
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains({name.data(), name.size()});
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string(member->get_string());
}

}  // namespace countersign::ca
