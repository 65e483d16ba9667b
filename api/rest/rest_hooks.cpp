// /v1/hooks
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {

namespace json = boost::json;

Answer list_hooks(Call call) {
  const auto tallies = co_await call.authority.hooks(call.caller);
  if (tallies.has_error()) co_return problem(tallies.error(), call.request);
  json::array list;
  for (const store::HookTally& tally : *tallies) {
    json::object hook{{"hook", tally.hook},
                      {"waiting", tally.waiting},
                      {"delivered", tally.delivered},
                      {"given_up", tally.given_up},
                      {"dropped", tally.dropped},
                      {"oldest", nullptr},
                      {"last_error", tally.last_error}};
    if (tally.oldest) hook["oldest"] = to_rfc3339(*tally.oldest);
    list.push_back(std::move(hook));
  }
  const json::object body{{"hooks", std::move(list)}};
  co_return json_response(200, body);
}

}  // namespace countersign::api
