// What the query of a list says of its page.
#ifndef COUNTERSIGN_API_REST_PAGE_QUERY_H_
#define COUNTERSIGN_API_REST_PAGE_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "api/http/message.h"
#include "base/result.h"
#include "store/store.h"

namespace countersign::api {

// limit, 1 to 1000, 100 if it is absent.
Result<std::size_t> query_limit(const Request& request);
Result<store::NameFilter> query_match(const Request& request);
// The cursor of a list whose rows have the ids of ca/request_id.h; "" if it is absent.
Result<std::string> query_id_cursor(const Request& request);

// match, limit and cursor of such a list.
template <class Query>
Result<void> read_page(const Request& request, Query& query) {
  auto match = query_match(request);
  if (match.has_error()) return match.error();
  const auto limit = query_limit(request);
  if (limit.has_error()) return limit.error();
  auto cursor = query_id_cursor(request);
  if (cursor.has_error()) return cursor.error();
  query.match = std::move(*match);
  query.limit = *limit;
  query.after = std::move(*cursor);
  return {};
}

// cursor, where it is the number of a row; 0 if it is absent.
Result<std::int64_t> query_row_cursor(const Request& request);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_PAGE_QUERY_H_
