// /v1/tokens: of people and pipelines; what is for the enrolment of machines goes on to
// rest_enrolment_tokens.cpp.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {

namespace json = boost::json;

Answer post_token(Call call) {
  const auto body =
      json_body(call.request, {"role", "label", "lifetime_seconds", "certname", "certnames",
                               "certname_regex", "uses", "dns", "ip", "extensions", "source",
                               "key_sha256", "profile", "rules", "scope"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  if (!body->contains("role") && !body->contains("scope"))
    co_return co_await post_enrolment_token(std::move(call), *body);
  for (const auto& [member, value] : *body) {
    if (member == "role" || member == "label" || member == "lifetime_seconds" || member == "scope")
      continue;
    co_return problem(fail(Code::malformed, "'" + std::string(member) +
                                                "' is for enrolment tokens, and 'role' is not."),
                      call.request);
  }
  auto role = json_text(*body, "role");
  if (role.has_error()) co_return problem(role.error(), call.request);
  auto label = json_text(*body, "label", "");
  if (label.has_error()) co_return problem(label.error(), call.request);
  const auto lifetime = json_count(*body, "lifetime_seconds");
  if (lifetime.has_error()) co_return problem(lifetime.error(), call.request);
  std::optional<std::chrono::seconds> bounded;
  if (*lifetime) bounded = std::chrono::seconds(**lifetime);
  const auto* scope = body->if_contains("scope");
  const bool narrowed = scope != nullptr && !scope->is_null();
  auto terms = policy::parse_scope_terms(narrowed ? json::serialize(*scope) : "");
  if (terms.has_error()) co_return problem(terms.error(), call.request);
  const auto made = co_await call.authority.create_token(std::move(*role), std::move(*label),
                                                         bounded, call.caller, std::move(*terms));
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
  const std::string& id = call.request.parameters.at("id");
  auto done = co_await call.authority.revoke_enrolment_token(id, call.caller);
  if (done.has_error() && done.error().code == Code::not_found) {
    done = co_await call.authority.revoke_token(id, call.caller);
  }
  if (done.has_error() && done.error().code != Code::already_revoked) {
    co_return problem(done.error(), call.request);
  }
  co_return Response{.status = 204, .content_type = "", .body = ""};
}

}  // namespace countersign::api
