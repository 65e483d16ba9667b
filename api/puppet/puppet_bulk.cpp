// clean, sign and sign/all: many names in one call.
#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "api/puppet/puppet_call.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

Answer sign_names(PuppetCall& call, std::vector<std::string> names) {
  json::array done;
  json::array missing;
  json::array failed;
  for (const std::string& name : names) {
    const auto result = co_await puppet_sign(call, name, std::nullopt);
    if (result.has_value()) {
      done.emplace_back(name);
    } else if (result.error().code == Code::not_found) {
      missing.emplace_back(name);
    } else {
      failed.emplace_back(name);
    }
  }
  const json::object answer{{"signed", std::move(done)},
                            {"no-csr", std::move(missing)},
                            {"signing-errors", std::move(failed)}};
  co_return plain(200, json::serialize(answer), "application/json");
}

}  // namespace

Answer put_clean(PuppetCall call) {
  json::error_code error;
  const json::value body = json::parse(call.request.body, error);
  if (error || !body.is_object()) co_return plain(400, "Request body is not JSON.");
  const json::value* names = body.get_object().if_contains("certnames");
  if (names == nullptr || !names->is_array()) {
    co_return plain(400,
                    "Missing required key: 'certnames'. Please supply the list of certs you want "
                    "to clean.");
  }
  const json::value* async = body.get_object().if_contains("async");
  if (async != nullptr && async->is_bool() && async->get_bool()) {
    co_return plain(400, "Async mode is not currently supported.");
  }
  const auto is_text = [](const json::value& item) { return item.is_string(); };
  if (!std::ranges::all_of(names->get_array(), is_text)) {
    co_return plain(400, "'certnames' must be an array of strings. Nothing was cleaned.");
  }
  std::set<std::string> seen;
  std::vector<std::string> wanted;
  for (const json::value& item : names->get_array()) {
    std::string name(item.get_string());
    if (seen.insert(name).second) wanted.push_back(std::move(name));
  }
  const auto permitted = co_await call.authority.permit(ca::Action::revoke, wanted, call.caller);
  if (permitted.has_error()) co_return puppet_error(permitted.error(), call.request, 500);
  std::string unknown;
  for (const std::string& name : wanted) {
    const ca::Authority::Clean what{
        .revoke = true, .requests = false, .reason = x509::RevocationReason::key_compromise};
    const auto done = co_await call.authority.clean(name, what, call.caller);
    if (done.has_value()) continue;
    if (done.error().code != Code::not_found) {
      co_return plain(500, "Error while cleaning certs: " + done.error().detail);
    }
    unknown += (unknown.empty() ? "\"" : " \"") + name + "\"";
  }
  if (unknown.empty()) co_return plain(200, "Successfully cleaned all certs.");
  co_return plain(200, "The following certs do not exist and cannot be revoked: [" + unknown + "]");
}

Answer post_sign(PuppetCall call) {
  json::error_code error;
  const json::value body = json::parse(call.request.body, error);
  std::vector<std::string> names;
  const json::value* list =
      !error && body.is_object() ? body.get_object().if_contains("certnames") : nullptr;
  if (list != nullptr) {
    bool good = list->is_array();
    if (good) {
      for (const json::value& item : list->get_array()) {
        good = good && item.is_string();
        if (item.is_string()) names.emplace_back(item.get_string());
      }
    }
    if (!good) {
      const json::object problem{{"kind", "schema-violation"},
                                 {"submitted", *list},
                                 {"error", "certnames must be an array of strings"}};
      co_return plain(422, json::serialize(problem), "application/json");
    }
  }
  co_return co_await sign_names(call, std::move(names));
}

Answer post_sign_all(PuppetCall call) {
  const auto rows = co_await all_queued(call);
  if (rows.has_error()) co_return puppet_error(rows.error(), call.request, 500);
  std::vector<std::string> names;
  for (const auto& row : *rows) {
    // In bulk nobody reads closely: what would take a live name from its machine, or needs several
    // people who look at it, is signed by name only.
    const auto preview = co_await call.authority.preview(row, puppet_approval(call), call.caller);
    const bool close =
        preview.has_value() && (!preview->revokes.empty() || preview->approvals_needed > 1);
    if (!close) names.push_back(row.certname);
  }
  co_return co_await sign_names(call, std::move(names));
}

}  // namespace countersign::api
