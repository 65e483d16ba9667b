// /v1/tokens.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {

namespace json = boost::json;

Answer post_token(Call call) {
  const auto body = json_body(call.request, {"role", "label", "lifetime_seconds"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  auto role = json_text(*body, "role");
  if (role.has_error()) co_return problem(role.error(), call.request);
  auto label = json_text(*body, "label", "");
  if (label.has_error()) co_return problem(label.error(), call.request);
  std::optional<std::chrono::seconds> lifetime;
  if (const json::value* seconds = body->if_contains("lifetime_seconds")) {
    if (!seconds->is_int64() || seconds->get_int64() <= 0) {
      co_return problem(
          fail(Code::malformed, "'lifetime_seconds' must be a positive whole number."),
          call.request);
    }
    lifetime = std::chrono::seconds(seconds->get_int64());
  }
  const auto made = co_await call.authority.create_token(std::move(*role), std::move(*label),
                                                         lifetime, call.caller);
  if (made.has_error()) co_return problem(made.error(), call.request);
  json::object answer = to_json(made->token);
  answer["token"] = made->secret;
  co_return json_response(201, answer);
}

Answer list_tokens(Call call) {
  const auto rows = co_await call.authority.tokens(call.caller);
  if (rows.has_error()) co_return problem(rows.error(), call.request);
  json::array list;
  for (const auto& row : *rows) list.push_back(to_json(row));
  const json::object answer{{"tokens", std::move(list)}};
  co_return json_response(200, answer);
}

Answer revoke_token(Call call) {
  const auto done =
      co_await call.authority.revoke_token(call.request.parameters.at("id"), call.caller);
  if (done.has_error() && done.error().code != Code::already_revoked) {
    co_return problem(done.error(), call.request);
  }
  co_return Response{.status = 204, .content_type = "", .body = ""};
}

}  // namespace countersign::api
