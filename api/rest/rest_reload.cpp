// /v1/policy/reload.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

json::object members_of(const ca::PolicyReload& reload) {
  return {{"sha256", reload.digest},
          {"rules", reload.rules},
          {"forced", reload.forced},
          {"requests", reload.change.examined},
          {"changed", reload.change.changed}};
}

}  // namespace

Answer reload_policy(Call call) {
  const auto body = json_body(call.request, {"force", "sha256"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  ca::ReloadOrder order;
  if (const auto* force = body->if_contains("force")) {
    if (!force->is_bool()) {
      co_return problem(fail(Code::malformed, "'force' must be true or false."), call.request);
    }
    order.force = force->get_bool();
  }
  auto digest = json_text(*body, "sha256", "");
  if (digest.has_error()) co_return problem(digest.error(), call.request);
  order.digest = std::move(*digest);
  const auto done = co_await call.authority.reload_policy(std::move(order), call.caller);
  if (done.has_error()) co_return problem(done.error(), call.request);
  const json::object members = members_of(*done);
  if (done->refusal.empty()) co_return json_response(200, members);
  Response refused = problem(fail(Code::conflict, done->refusal), call.request);
  json::object told = json::parse(refused.body).as_object();
  for (const auto& [key, value] : members) told[key] = value;
  refused.body = json::serialize(told);
  co_return refused;
}

}  // namespace countersign::api
