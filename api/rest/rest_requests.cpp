// /v1/requests and /v1/policy/explain.
#include <algorithm>

#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"
#include "ca/enrolment.h"
#include "ca/name_filter.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

// The type without its parameters, lower case.
std::string media_type(const Request& request) {
  std::string type(request.header("content-type"));
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return type;
}

Response submitted_response(const Request& request, const ca::Submitted& outcome,
                            const std::string& chain) {
  const store::RequestRecord& row = outcome.request;
  if (row.state == store::RequestState::denied) {
    return problem(fail(Code::denied, row.reason), request);
  }
  json::object body{{"id", row.id},
                    {"state", store::to_string(row.state)},
                    {"certname", row.certname},
                    {"rule", row.rule},
                    {"reason", row.reason}};
  unsigned status = 202;
  if (outcome.certificate) {
    status = 201;
    body["serial"] = to_hex(outcome.certificate->serial);
    body["certificate"] = certificate_pem(*outcome.certificate);
    body["chain"] = chain;
  }
  Response response = json_response(status, body);
  response.headers.emplace_back("Location", "/v1/requests/" + row.id);
  return response;
}

bool sees_all(const ca::Caller& caller) { return ca::allowed(caller.role, ca::Action::read_all); }

Answer request_with_certificate(Call call, store::RequestRecord row) {
  json::object body;
  if (sees_all(call.caller)) {
    body = to_json(row, true);
    if (call.caller.role != ca::Role::operator_ && ca::carries_secret(row.csr)) {
      // Who may only read could enrol with the token in it.
      body["csr"] = nullptr;
      body["csr_withheld"] = "It carries a password; only an operator may read it.";
    }
    if (row.state == store::RequestState::queued) {
      const auto grant = co_await call.authority.preview(row, {}, call.caller);
      body["would_hold"] = grant.has_value() ? json::value(to_json(*grant)) : json::value(nullptr);
      body["refusal"] = grant.has_error() ? json::value(grant.error().detail) : nullptr;
      const auto revoked = co_await call.authority.would_revoke(row, call.caller);
      json::array serials;
      if (revoked.has_value()) {
        for (const Bytes& serial : *revoked) serials.emplace_back(to_hex(serial));
      } else if (grant.has_value()) {
        body["refusal"] = revoked.error().detail;
        body["would_hold"] = nullptr;
      }
      body["would_revoke"] = std::move(serials);
    }
  } else {
    // Who may only follow his own request learns its outcome and not how it came about.
    body = {{"id", row.id},
            {"state", store::to_string(row.state)},
            {"certname", row.certname},
            {"reason", row.reason}};
  }
  if (row.state == store::RequestState::signed_) {
    const auto certificate = co_await call.authority.certificate(row.serial, call.caller);
    if (certificate.has_error()) co_return problem(certificate.error(), call.request);
    body["certificate"] = certificate_pem(*certificate);
  }
  co_return json_response(200, body);
}

}  // namespace

Answer post_request(Call call) {
  ca::Submission submission;
  const std::string type = media_type(call.request);
  if (type == "application/pkcs10") {
    submission.csr = call.request.body;
  } else if (type == "application/json") {
    const auto body = json_body(call.request, {"csr", "token", "identity"});
    if (body.has_error()) co_return problem(body.error(), call.request);
    auto csr = json_text(*body, "csr");
    if (csr.has_error()) co_return problem(csr.error(), call.request);
    submission.csr = std::move(*csr);
    auto token = json_text(*body, "token", "");
    if (token.has_error()) co_return problem(token.error(), call.request);
    submission.token = Secret(std::move(*token));
    auto identity = json_text(*body, "identity", "");
    if (identity.has_error()) co_return problem(identity.error(), call.request);
    submission.identity = Secret(std::move(*identity));
  } else {
    co_return problem(fail(Code::malformed, "Send application/json or application/pkcs10."),
                      call.request, 415);
  }
  const auto outcome = co_await call.authority.submit(std::move(submission), call.caller);
  if (outcome.has_error()) co_return problem(outcome.error(), call.request);
  co_return submitted_response(call.request, *outcome, call.authority.chain_pem());
}

Answer list_requests(Call call) {
  store::RequestQuery query;
  if (const auto state = query_value(call.request.query, "state")) {
    query.state = store::parse_request_state(*state);
    if (!query.state) {
      co_return problem(fail(Code::malformed, "'" + *state +
                                                  "' is no state. Use queued, signed, "
                                                  "denied or withdrawn."),
                        call.request);
    }
  }
  const auto place = read_page(call.request, query);
  if (place.has_error()) co_return problem(place.error(), call.request);
  const auto page = co_await call.authority.requests(std::move(query), call.caller);
  if (page.has_error()) co_return problem(page.error(), call.request);
  json::array rows;
  for (const auto& row : page->rows) rows.push_back(to_json(row, false));
  json::object body{{"requests", std::move(rows)}, {"next_cursor", nullptr}};
  if (!page->next.empty()) body["next_cursor"] = page->next;
  co_return json_response(200, body);
}

Answer get_request(Call call) {
  auto row = co_await call.authority.request(call.request.parameters.at("id"), call.caller);
  if (row.has_error()) co_return problem(row.error(), call.request);
  co_return co_await request_with_certificate(call, std::move(*row));
}

Answer approve_request(Call call) {
  const auto body = json_body(call.request, {"subject_alt_names", "authorization_extensions",
                                             "reserved_names", "validity_seconds"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  ca::Approval approval;
  if (const auto* names = body->if_contains("subject_alt_names")) {
    if (!names->is_bool()) {
      co_return problem(fail(Code::malformed, "'subject_alt_names' must be true or false."),
                        call.request);
    }
    approval.subject_alt_names = names->get_bool();
  }
  if (const auto* marks = body->if_contains("authorization_extensions")) {
    if (!marks->is_bool()) {
      co_return problem(fail(Code::malformed, "'authorization_extensions' must be true or false."),
                        call.request);
    }
    approval.authorization_extensions = marks->get_bool();
  }
  if (const auto* names = body->if_contains("reserved_names")) {
    if (!names->is_bool()) {
      co_return problem(fail(Code::malformed, "'reserved_names' must be true or false."),
                        call.request);
    }
    approval.reserved_names = names->get_bool();
  }
  if (const auto* seconds = body->if_contains("validity_seconds")) {
    if (!seconds->is_int64() || seconds->get_int64() <= 0 ||
        seconds->get_int64() > 50LL * 365 * 86400) {
      co_return problem(
          fail(Code::malformed, "'validity_seconds' must be a positive whole number."),
          call.request);
    }
    approval.validity = std::chrono::seconds(seconds->get_int64());
  }
  auto outcome =
      co_await call.authority.approve(call.request.parameters.at("id"), approval, call.caller);
  if (outcome.has_error()) co_return problem(outcome.error(), call.request);
  co_return co_await request_with_certificate(call, std::move(outcome->request));
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

Answer explain_policy(Call call) {
  const auto body = json_body(call.request, {"csr", "source", "identity"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  auto csr = json_text(*body, "csr");
  if (csr.has_error()) co_return problem(csr.error(), call.request);
  auto source = json_text(*body, "source", "");
  if (source.has_error()) co_return problem(source.error(), call.request);
  auto identity = json_text(*body, "identity", "");
  if (identity.has_error()) co_return problem(identity.error(), call.request);
  const auto explained = co_await call.authority.explain(std::move(*csr), std::move(*source),
                                                         std::move(*identity), call.caller);
  if (explained.has_error()) co_return problem(explained.error(), call.request);
  json::object answer = to_json(*explained);
  answer["nearest"] = json::parse(policy::nearest_to_json(explained->nearest));
  co_return json_response(200, answer);
}

}  // namespace countersign::api
