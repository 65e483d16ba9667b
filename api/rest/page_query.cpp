#include "api/rest/page_query.h"

#include <algorithm>
#include <charconv>

#include "ca/name_filter.h"

namespace countersign::api {
namespace {

constexpr std::size_t kMostRows = 1000;

}  // namespace

Result<std::size_t> query_limit(const Request& request) {
  const auto text = query_value(request.query, "limit");
  if (!text) return std::size_t{100};
  std::size_t limit = 0;
  const char* end = text->data() + text->size();
  const auto [stop, ec] = std::from_chars(text->data(), end, limit);
  if (ec != std::errc{} || stop != end || limit == 0 || limit > kMostRows) {
    return fail(Code::malformed, "'limit' must be a whole number from 1 to 1000.");
  }
  return limit;
}

Result<std::int64_t> query_row_cursor(const Request& request) {
  const auto text = query_value(request.query, "cursor");
  if (!text) return std::int64_t{0};
  std::int64_t row = 0;
  const char* end = text->data() + text->size();
  const auto [stop, ec] = std::from_chars(text->data(), end, row);
  if (ec != std::errc{} || stop != end || row < 0) {
    return fail(Code::malformed, "The cursor is not ours.");
  }
  return row;
}

Result<store::NameFilter> query_match(const Request& request) {
  const auto text = query_value(request.query, "match");
  if (!text || text->empty()) return store::NameFilter();
  return ca::name_filter(*text);
}

Result<std::string> query_id_cursor(const Request& request) {
  std::string cursor = query_value(request.query, "cursor").value_or("");
  const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  if (cursor.empty() || (cursor.size() == 26 && std::ranges::all_of(cursor, fits))) return cursor;
  return fail(Code::malformed, "The cursor is not ours.");
}

}  // namespace countersign::api
