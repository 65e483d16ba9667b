// What GET /v1/requests is asked for: filters, an order, and a cursor that holds both.
#include <array>

#include "api/rest/route.h"
#include "ca/name_filter.h"
#include "policy/cidr.h"
#include "x509/digest.h"

namespace countersign::api {
namespace {

constexpr std::array<std::string_view, 9> kFilters = {"state",  "certname",       "match",
                                                      "rule",   "profile",        "key",
                                                      "source", "created_before", "created_after"};
constexpr std::array<std::pair<std::string_view, store::RequestOrder>, 3> kOrders = {
    {{"created", store::RequestOrder::arrival},
     {"-created", store::RequestOrder::newest_first},
     {"certname", store::RequestOrder::certname}}};
constexpr std::size_t kMarkBytes = 8;

// Stands for the order and the filters; a page with others is another list.
std::string mark_of(const Request& request, std::string_view order) {
  std::string text(order);
  for (const std::string_view name : kFilters) {
    // With its length, so that no two lists give one text.
    const auto value = query_value(request.query, name);
    text += value ? "\n" + std::to_string(value->size()) + ":" + *value : "\n-";
  }
  const Bytes digest = x509::sha256(as_bytes(text));
  return to_base64url(ByteView(digest).first(kMarkBytes));
}

Result<std::optional<Timestamp>> time_of(const Request& request, std::string_view name) {
  const auto text = query_value(request.query, name);
  if (!text) return std::optional<Timestamp>();
  const auto time = parse_rfc3339(*text);
  if (time) return std::optional(*time);
  return fail(Code::malformed,
              "'" + std::string(name) + "' must be a time like 2026-06-01T12:00:00Z.");
}

Result<store::NameFilter> source_of(const Request& request) {
  const auto text = query_value(request.query, "source");
  if (!text) return store::NameFilter();
  const auto range = policy::Cidr::parse(*text);
  if (!range) {
    return fail(Code::malformed,
                "'" + *text + "' is no address and no range. Write it like 10.1.0.0/16.");
  }
  return store::NameFilter([range = *range](std::string_view source) {
    const auto address = policy::parse_address(std::string(source));
    return address && range.contains(*address);
  });
}

Result<void> read_filters(const Request& request, store::RequestQuery& query) {
  if (const auto state = query_value(request.query, "state")) {
    query.state = store::parse_request_state(*state);
    if (!query.state) {
      return fail(Code::malformed, "'" + *state +
                                       "' is no state. Use queued, signed, denied, withdrawn or "
                                       "expired.");
    }
  }
  auto match = query_match(request);
  if (match.has_error()) return match.error();
  query.match = std::move(*match);
  auto source = source_of(request);
  if (source.has_error()) return source.error();
  query.source = std::move(*source);
  query.certname = query_value(request.query, "certname");
  query.rule = query_value(request.query, "rule");
  query.profile = query_value(request.query, "profile");
  query.key = query_value(request.query, "key");
  const auto before = time_of(request, "created_before");
  if (before.has_error()) return before.error();
  query.created_before = *before;
  const auto after = time_of(request, "created_after");
  if (after.has_error()) return after.error();
  query.created_after = *after;
  return {};
}

}  // namespace

Result<RequestList> read_request_list(const Request& request) {
  RequestList list;
  const auto filters = read_filters(request, list.query);
  if (filters.has_error()) return filters.error();
  const std::string order = query_value(request.query, "sort").value_or("created");
  const auto* known = std::ranges::find(kOrders, order, [](const auto& row) { return row.first; });
  if (known == kOrders.end()) {
    return fail(Code::malformed, "'sort' is created, -created or certname.");
  }
  list.query.order = known->second;
  if (known->second == store::RequestOrder::certname &&
      list.query.state != store::RequestState::queued) {
    return fail(Code::malformed, "Only the queue is sorted by certname: add state=queued.");
  }
  const auto limit = query_limit(request);
  if (limit.has_error()) return limit.error();
  list.query.limit = *limit;
  list.mark = mark_of(request, order);
  const std::string cursor = query_value(request.query, "cursor").value_or("");
  if (cursor.empty()) return list;
  const std::size_t dot = cursor.find('.');
  if (dot == std::string::npos || dot + 1 == cursor.size()) {
    return fail(Code::malformed, "The cursor is not ours.");
  }
  if (cursor.substr(0, dot) != list.mark) {
    return fail(Code::malformed,
                "The cursor is of a list with another order or other filters. Use the same ones, "
                "or begin anew without it.");
  }
  list.query.after = cursor.substr(dot + 1);
  return list;
}

}  // namespace countersign::api
