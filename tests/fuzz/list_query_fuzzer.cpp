// The query of a list: a page has from 1 to 1000 rows, and its cursor goes with the filters and the
// order that it was made for, and with no others.
#include <string>

#include "api/rest/route.h"
#include "tests/fuzz/require.h"

using countersign::Code;
using countersign::api::query_id_cursor;
using countersign::api::query_row_cursor;
using countersign::api::read_page;
using countersign::api::read_request_list;
using countersign::api::Request;
using countersign::store::RequestOrder;

namespace {

Request of(const std::string& query) {
  Request request;
  request.query = query;
  return request;
}

template <class T>
void malformed(const countersign::Result<T>& result) {
  require(result.has_error() && result.error().code == Code::malformed);
  require(!result.error().detail.empty());
}

void check_cursors(const Request& request) {
  if (const auto row = query_row_cursor(request)) {
    require(*row >= 0);
  } else {
    malformed(row);
  }
  if (const auto id = query_id_cursor(request)) {
    require(id->empty() || id->size() == 26);
  } else {
    malformed(id);
  }
  countersign::store::EnrolmentTokenQuery page;
  if (read_page(request, page)) require(page.limit >= 1 && page.limit <= 1000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string query(reinterpret_cast<const char*>(data), size);
  check_cursors(of(query));
  const auto list = read_request_list(of("cursor=&" + query));
  if (list.has_error()) {
    malformed(list);
    return 0;
  }
  require(list->query.limit >= 1 && list->query.limit <= 1000);
  require(list->query.after.empty() && !list->mark.empty());
  if (list->query.order == RequestOrder::certname) {
    require(list->query.state == countersign::store::RequestState::queued);
  }
  const std::string cursor = "cursor=" + list->mark + ".01ABC&";
  const auto next = read_request_list(of(cursor + query));
  require(next.has_value() && next->query.after == "01ABC" && next->mark == list->mark);
  const bool newest = list->query.order == RequestOrder::newest_first;
  malformed(read_request_list(
      of("sort=" + std::string(newest ? "created" : "-created") + "&" + cursor + query)));
  malformed(
      read_request_list(of("rule=another%20" + std::to_string(size) + "&" + cursor + query + "x")));
  malformed(read_request_list(of("cursor=" + list->mark + ".&" + query)));
  malformed(read_request_list(of("cursor=01ABC&" + query)));
  return 0;
}
