// Enrolment tokens: one or many by POST /v1/tokens, and their list.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"
#include "policy/enrolment_token.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

// The bounds of each token of the order: what is not about names is the same for all.
Result<std::vector<policy::TokenBounds>> bounds_of(const json::object& body) {
  json::object shared;
  for (const auto& [member, value] : body) {
    const bool order = member == "certnames" || member == "uses" || member == "label" ||
                       member == "lifetime_seconds";
    if (!order) shared[member] = value;
  }
  std::vector<policy::TokenBounds> list;
  const json::value* names = body.if_contains("certnames");
  if (names == nullptr) {
    auto bounds = policy::parse_token_bounds(json::serialize(shared));
    if (bounds.has_error()) return bounds.error();
    list.push_back(std::move(*bounds));
    return list;
  }
  if (!names->is_array() || body.contains("certname") || body.contains("certname_regex")) {
    return fail(Code::malformed,
                "'certnames' must be a list of names, with neither 'certname' nor "
                "'certname_regex' beside it.");
  }
  list.reserve(names->get_array().size());
  for (const json::value& name : names->get_array()) {
    shared["certname"] = name;
    auto bounds = policy::parse_token_bounds(json::serialize(shared));
    if (bounds.has_error()) return bounds.error();
    list.push_back(std::move(*bounds));
  }
  return list;
}

Result<ca::Authority::EnrolmentOrder> order_of(const json::object& body) {
  ca::Authority::EnrolmentOrder order;
  auto bounds = bounds_of(body);
  if (bounds.has_error()) return bounds.error();
  order.tokens = std::move(*bounds);
  const auto uses = json_count(body, "uses");
  if (uses.has_error()) return uses.error();
  order.uses = uses->value_or(order.uses);
  const auto lifetime = json_count(body, "lifetime_seconds");
  if (lifetime.has_error()) return lifetime.error();
  if (*lifetime) order.lifetime = std::chrono::seconds(**lifetime);
  auto label = json_text(body, "label", "");
  if (label.has_error()) return label.error();
  order.label = std::move(*label);
  return order;
}

}  // namespace

Answer post_enrolment_token(Call call, const json::object& body) {
  auto order = order_of(body);
  if (order.has_error()) co_return problem(order.error(), call.request);
  const bool many = body.contains("certnames");
  const auto made = co_await call.authority.mint_enrolment_tokens(std::move(*order), call.caller);
  if (made.has_error()) co_return problem(made.error(), call.request);
  const Timestamp now = call.authority.clock().now();
  json::array tokens;
  for (const auto& one : *made) {
    json::object token = to_json(one.token, now);
    token["token"] = one.secret;
    tokens.push_back(std::move(token));
  }
  if (!many) co_return json_response(201, tokens.front());
  const json::object answer{{"tokens", std::move(tokens)}};
  co_return json_response(201, answer);
}

Answer list_enrolment_tokens(Call call) {
  store::EnrolmentTokenQuery query;
  query.certname = query_value(call.request.query, "certname");
  const auto place = read_page(call.request, query);
  if (place.has_error()) co_return problem(place.error(), call.request);
  const auto page = co_await call.authority.enrolment_tokens(std::move(query), call.caller);
  if (page.has_error()) co_return problem(page.error(), call.request);
  json::array rows;
  for (const auto& row : page->rows) rows.push_back(to_json(row, call.authority.clock().now()));
  json::object body{{"tokens", std::move(rows)}, {"next_cursor", nullptr}};
  if (!page->next.empty()) body["next_cursor"] = page->next;
  co_return json_response(200, body);
}

}  // namespace countersign::api
