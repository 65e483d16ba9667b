// Approvals and denials: of one request, and of many with a preview of each.
#include <algorithm>

#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostAtOnce = 1000;
constexpr std::int64_t kLongestSeconds = 50LL * 365 * 86400;

Result<void> read_flag(const json::object& body, std::string_view key, bool& flag) {
  const auto* value = body.if_contains({key.data(), key.size()});
  if (value == nullptr) return {};
  if (!value->is_bool()) {
    return fail(Code::malformed, "'" + std::string(key) + "' must be true or false.");
  }
  flag = value->get_bool();
  return {};
}

Result<ca::Etag> etag_of(const std::string& text) {
  ca::Etag etag{};
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != etag.size()) {
    return fail(Code::malformed, "'if_match' must be the 'etag' of a preview.");
  }
  std::ranges::copy(*bytes, etag.begin());
  return etag;
}

Result<ca::Approval> approval_of(const json::object& body) {
  ca::Approval approval;
  for (const auto& [key, flag] :
       {std::pair<std::string_view, bool*>{"subject_alt_names", &approval.subject_alt_names},
        {"authorization_extensions", &approval.authorization_extensions},
        {"reserved_names", &approval.reserved_names}}) {
    const auto read = read_flag(body, key, *flag);
    if (read.has_error()) return read.error();
  }
  if (const auto* seconds = body.if_contains("validity_seconds")) {
    if (!seconds->is_int64() || seconds->get_int64() <= 0 ||
        seconds->get_int64() > kLongestSeconds) {
      return fail(Code::malformed, "'validity_seconds' must be a positive whole number.");
    }
    approval.validity = std::chrono::seconds(seconds->get_int64());
  }
  if (body.if_contains("if_match") == nullptr) return approval;
  const auto text = json_text(body, "if_match");
  if (text.has_error()) return text.error();
  const auto etag = etag_of(*text);
  if (etag.has_error()) return etag.error();
  approval.if_match = *etag;
  return approval;
}

struct Wanted {
  std::string id;
  std::optional<ca::Etag> if_match;
};

Result<std::vector<Wanted>> wanted_of(const json::object& body, const char* key, bool with_match) {
  const auto* list = body.if_contains(key);
  if (list == nullptr || !list->is_array() || list->get_array().empty() ||
      list->get_array().size() > kMostAtOnce) {
    return fail(Code::malformed, "'" + std::string(key) + "' must be a list of 1 to 1000.");
  }
  std::vector<Wanted> wanted;
  for (const json::value& item : list->get_array()) {
    if (!with_match) {
      if (!item.is_string()) return fail(Code::malformed, "An id must be a text.");
      wanted.push_back({std::string(item.get_string()), std::nullopt});
      continue;
    }
    const auto* object = item.if_object();
    const auto* id = object != nullptr ? object->if_contains("id") : nullptr;
    const auto* match = object != nullptr ? object->if_contains("if_match") : nullptr;
    if (id == nullptr || !id->is_string() || match == nullptr || !match->is_string()) {
      return fail(Code::malformed,
                  "Each of 'requests' needs an 'id', and the 'etag' of its preview as 'if_match'.");
    }
    const auto etag = etag_of(std::string(match->get_string()));
    if (etag.has_error()) return etag.error();
    wanted.push_back({std::string(id->get_string()), *etag});
  }
  return wanted;
}

// One that failed, among others that may have gone well.
json::object failed(const std::string& id, const Error& error) {
  return {{"id", id},
          {"problem", json::object{{"type", problem_type(error.code)},
                                   {"status", http_status(error.code)},
                                   {"detail", error.detail}}}};
}

}  // namespace

void add_preview(json::object& body, const ca::Preview& preview) {
  body["approvals_needed"] = preview.approvals_needed;
  if (preview.refusal) {
    body["refusal"] = preview.refusal->detail;
    body["would_hold"] = nullptr;
    body["would_revoke"] = json::array();
    return;
  }
  body["refusal"] = nullptr;
  json::object hold = to_json(preview.grant);
  hold["profile"] = preview.profile;
  hold["validity_seconds"] = preview.validity.count();
  body["would_hold"] = std::move(hold);
  json::array serials;
  for (const Bytes& serial : preview.revokes) serials.emplace_back(to_hex(serial));
  body["would_revoke"] = std::move(serials);
  json::array people;
  for (const std::string& person : preview.approved_by) people.emplace_back(person);
  body["approved_by"] = std::move(people);
  body["not_by_you"] =
      preview.not_by_caller ? json::value(preview.not_by_caller->detail) : json::value(nullptr);
  body["etag"] = to_hex(preview.etag);
}

Answer approve_request(Call call) {
  const auto body = json_body(call.request, {"subject_alt_names", "authorization_extensions",
                                             "reserved_names", "validity_seconds", "if_match"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const auto approval = approval_of(*body);
  if (approval.has_error()) co_return problem(approval.error(), call.request);
  auto outcome =
      co_await call.authority.approve(call.request.parameters.at("id"), *approval, call.caller);
  if (outcome.has_error()) co_return problem(outcome.error(), call.request);
  const unsigned status = outcome->approvals_missing > 0 ? 202 : 200;
  Response response = co_await whole_request(call, std::move(outcome->request));
  if (response.status == 200) response.status = status;
  co_return response;
}

Answer deny_request(Call call) {
  const auto body = json_body(call.request, {"reason"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  auto reason = json_text(*body, "reason");
  if (reason.has_error()) co_return problem(reason.error(), call.request);
  const auto row = co_await call.authority.deny(call.request.parameters.at("id"),
                                                std::move(*reason), call.caller);
  if (row.has_error()) co_return problem(row.error(), call.request);
  co_return json_response(200, to_json(*row, true));
}

Answer preview_requests(Call call) {
  const auto body = json_body(call.request, {"ids", "subject_alt_names", "authorization_extensions",
                                             "reserved_names", "validity_seconds"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const auto wanted = wanted_of(*body, "ids", false);
  if (wanted.has_error()) co_return problem(wanted.error(), call.request);
  const auto approval = approval_of(*body);
  if (approval.has_error()) co_return problem(approval.error(), call.request);
  json::array previews;
  for (const Wanted& one : *wanted) {
    auto row = co_await call.authority.request(one.id, call.caller);
    if (row.has_value() && row->state != store::RequestState::queued) {
      row = fail(Code::conflict,
                 "The request is " + std::string(store::to_string(row->state)) + " already.");
    }
    if (row.has_error()) {
      previews.push_back(failed(one.id, row.error()));
      continue;
    }
    const auto preview = co_await call.authority.preview(*row, *approval, call.caller);
    if (preview.has_error()) co_return problem(preview.error(), call.request);
    json::object item = to_json(*row, false);
    add_preview(item, *preview);
    previews.push_back(std::move(item));
  }
  co_return json_response(200, json::object{{"previews", std::move(previews)}});
}

Answer approve_requests(Call call) {
  const auto body =
      json_body(call.request, {"requests", "subject_alt_names", "authorization_extensions",
                               "reserved_names", "validity_seconds"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const auto wanted = wanted_of(*body, "requests", true);
  if (wanted.has_error()) co_return problem(wanted.error(), call.request);
  auto approval = approval_of(*body);
  if (approval.has_error()) co_return problem(approval.error(), call.request);
  json::array results;
  for (const Wanted& one : *wanted) {
    approval->if_match = one.if_match;
    const auto outcome = co_await call.authority.approve(one.id, *approval, call.caller);
    if (outcome.has_error()) {
      results.push_back(failed(one.id, outcome.error()));
      continue;
    }
    json::object item = to_json(outcome->request, false);
    item["approvals_missing"] = outcome->approvals_missing;
    if (outcome->certificate) item["certificate"] = certificate_pem(*outcome->certificate);
    results.push_back(std::move(item));
  }
  co_return json_response(200, json::object{{"results", std::move(results)}});
}

Answer deny_requests(Call call) {
  const auto body = json_body(call.request, {"ids", "reason"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const auto wanted = wanted_of(*body, "ids", false);
  if (wanted.has_error()) co_return problem(wanted.error(), call.request);
  const auto reason = json_text(*body, "reason");
  if (reason.has_error()) co_return problem(reason.error(), call.request);
  json::array results;
  for (const Wanted& one : *wanted) {
    const auto row = co_await call.authority.deny(one.id, *reason, call.caller);
    if (row.has_error()) {
      if (row.error().code == Code::malformed) co_return problem(row.error(), call.request);
      results.push_back(failed(one.id, row.error()));
    } else {
      results.push_back(to_json(*row, false));
    }
  }
  co_return json_response(200, json::object{{"results", std::move(results)}});
}

}  // namespace countersign::api
