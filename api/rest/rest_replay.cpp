// /v1/policy/replay.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

json::object to_json(const ca::ReplayOutcome& outcome) {
  return {{"action", policy::to_string(outcome.action)}, {"rule", outcome.rule}};
}

json::object to_json(const ca::Replay& replay) {
  json::array groups;
  for (const ca::ReplayGroup& group : replay.groups) {
    json::array names;
    for (const std::string& name : group.names) names.emplace_back(name);
    groups.push_back(json::object{{"was", to_json(group.was)},
                                  {"now", to_json(group.now)},
                                  {"reason", group.reason},
                                  {"requests", group.requests},
                                  {"names", std::move(names)}});
  }
  json::array notes;
  for (const std::string& text : replay.notes) notes.emplace_back(text);
  json::object object{{"examined", replay.examined}, {"unreadable", replay.unreadable},
                      {"changed", replay.changed},   {"groups", std::move(groups)},
                      {"left_out", replay.left_out}, {"notes", std::move(notes)},
                      {"next_cursor", nullptr}};
  if (!replay.next.empty()) object["next_cursor"] = replay.next;
  return object;
}

// "30d" before now, or a time.
Result<Timestamp> parse_since(const std::string& text, Timestamp now) {
  if (const auto age = parse_duration(text)) return now - *age;
  if (const auto time = parse_rfc3339(text)) return *time;
  return fail(Code::malformed,
              "'since' must be a duration such as 30d, or a time such as 2026-11-24T15:04:05Z.");
}

}  // namespace

Answer replay_policy(Call call) {
  const auto body = json_body(call.request, {"policy", "since", "cursor"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  auto policy = json_text(*body, "policy");
  if (policy.has_error()) co_return problem(policy.error(), call.request);
  const auto text = json_text(*body, "since");
  if (text.has_error()) co_return problem(text.error(), call.request);
  const auto since = parse_since(*text, call.authority.clock().now());
  if (since.has_error()) co_return problem(since.error(), call.request);
  auto cursor = json_text(*body, "cursor", "");
  if (cursor.has_error()) co_return problem(cursor.error(), call.request);
  ca::ReplayOrder order;
  order.policy = std::move(*policy);
  order.since = *since;
  order.after = std::move(*cursor);
  const auto replay = co_await call.authority.replay(std::move(order), call.caller);
  if (replay.has_error()) co_return problem(replay.error(), call.request);
  const json::object answer = to_json(*replay);
  co_return json_response(200, answer);
}

}  // namespace countersign::api
