// /v1/audit: the rows and checkpoints of the audit, exactly as they are hashed and signed.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"
#include "ca/audit_line.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

Result<store::AuditQuery> audit_query(const Request& request) {
  store::AuditQuery query;
  query.subject = query_value(request.query, "subject");
  query.actor = query_value(request.query, "actor");
  query.action = query_value(request.query, "action");
  if (const auto since = query_value(request.query, "since")) {
    query.since = parse_rfc3339(*since);
    if (!query.since) {
      return fail(Code::malformed, "'since' must be a time like 2027-01-31T00:00:00Z.");
    }
  }
  if (const auto order = query_value(request.query, "order")) {
    if (*order != "newest" && *order != "oldest") {
      return fail(Code::malformed, "'order' is newest or oldest.");
    }
    query.newest_first = *order == "newest";
  }
  const auto cursor = query_row_cursor(request);
  if (cursor.has_error()) return cursor.error();
  query.after = *cursor;
  const auto limit = query_limit(request);
  if (limit.has_error()) return limit.error();
  query.limit = *limit;
  return query;
}

// 0 if it is absent.
Result<std::chrono::seconds> query_wait(const Request& request) {
  const auto text = query_value(request.query, "wait");
  if (!text) return std::chrono::seconds(0);
  const auto wait = parse_duration(*text);
  if (!wait || wait->count() < 1 || *wait > std::chrono::seconds(30)) {
    return fail(Code::malformed, "'wait' is a time from 1s to 30s.");
  }
  return *wait;
}

Answer watch(Call call, store::AuditQuery query, std::chrono::seconds wait) {
  const auto page = co_await call.authority.watch_audit(std::move(query), wait, call.caller);
  if (page.has_error()) co_return problem(page.error(), call.request);
  json::array rows;
  for (const auto& row : page->rows) rows.push_back(ca::audit_object(row));
  const json::object body{{"audit", std::move(rows)}, {"next_cursor", std::to_string(page->next)}};
  co_return json_response(200, body);
}

}  // namespace

Answer list_audit(Call call) {
  auto query = audit_query(call.request);
  if (query.has_error()) co_return problem(query.error(), call.request);
  const auto wait = query_wait(call.request);
  if (wait.has_error()) co_return problem(wait.error(), call.request);
  if (wait->count() > 0) {
    if (query->newest_first) {
      co_return problem(fail(Code::malformed, "'wait' goes with the oldest first."), call.request);
    }
    co_return co_await watch(std::move(call), std::move(*query), *wait);
  }
  const auto page = co_await call.authority.audit(std::move(*query), call.caller);
  if (page.has_error()) co_return problem(page.error(), call.request);
  json::array rows;
  for (const auto& row : page->rows) rows.push_back(ca::audit_object(row));
  json::object body{{"audit", std::move(rows)}, {"next_cursor", nullptr}};
  if (page->next != 0) body["next_cursor"] = std::to_string(page->next);
  co_return json_response(200, body);
}

Answer list_audit_checkpoints(Call call) {
  const auto after = query_row_cursor(call.request);
  if (after.has_error()) co_return problem(after.error(), call.request);
  const auto limit = query_limit(call.request);
  if (limit.has_error()) co_return problem(limit.error(), call.request);
  const auto list = co_await call.authority.audit_checkpoints(*after, *limit, call.caller);
  if (list.has_error()) co_return problem(list.error(), call.request);
  json::array checkpoints;
  for (const auto& checkpoint : *list) checkpoints.push_back(ca::audit_object(checkpoint));
  json::object body{{"checkpoints", std::move(checkpoints)}, {"next_cursor", nullptr}};
  if (list->size() == *limit) body["next_cursor"] = std::to_string(list->back().sequence);
  co_return json_response(200, body);
}

}  // namespace countersign::api
