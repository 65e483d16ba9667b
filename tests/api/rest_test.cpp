#include "api/rest/problem.h"
#include "ca/audit_line.h"
#include "tests/api/api_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
namespace json = boost::json;

class Rest : public ApiTest {
 protected:
  // A problem of this status and type, whose body says the same status.
  void expect_problem(const Response& response, unsigned status, const std::string& slug) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    const json::object body = json(response);
    EXPECT_EQ(body.at("status").to_number<unsigned>(), status);
    EXPECT_EQ(text(body, "type"), "urn:countersign:problem:" + slug);
    EXPECT_FALSE(text(body, "title").empty());
    EXPECT_EQ(text(body, "request_id"), "feedbeef");
  }
};

TEST_F(Rest, EveryCodeHasItsStatusAndItsStableType) {
  const std::tuple<Code, unsigned, const char*> cases[] = {
      {Code::malformed, 400, "malformed"},
      {Code::too_large, 413, "too-large"},
      {Code::bad_csr, 400, "bad-csr"},
      {Code::bad_proof, 400, "bad-proof"},
      {Code::bad_key, 400, "bad-key"},
      {Code::bad_name, 400, "bad-name"},
      {Code::name_mismatch, 400, "name-mismatch"},
      {Code::not_granted, 403, "not-granted"},
      {Code::denied, 403, "denied"},
      {Code::unauthenticated, 401, "unauthenticated"},
      {Code::forbidden, 403, "forbidden"},
      {Code::out_of_scope, 403, "out-of-scope"},
      {Code::not_found, 404, "not-found"},
      {Code::request_exists, 409, "request-exists"},
      {Code::certificate_exists, 409, "certificate-exists"},
      {Code::revoked_exists, 409, "revoked-exists"},
      {Code::conflict, 409, "conflict"},
      {Code::already_revoked, 409, "already-revoked"},
      {Code::already_approved, 409, "already-approved"},
      {Code::rate_limited, 429, "rate-limited"},
      {Code::overloaded, 503, "overloaded"},
      {Code::unavailable, 503, "unavailable"},
      {Code::internal, 500, "internal"},
  };
  const Request asked = request("GET", "/v1/x");
  for (const auto& [code, status, slug] : cases) {
    const Response response = problem(fail(code, "the detail", "the cause"), asked);
    expect_problem(response, status, slug);
    EXPECT_EQ(response.body.find("the cause"), std::string::npos);
    EXPECT_EQ(header(response, "Retry-After").empty(), status != 503 && status != 429);
    EXPECT_EQ(header(response, "WWW-Authenticate").empty(), status != 401);
  }
  EXPECT_EQ(std::size(cases), static_cast<std::size_t>(Code::internal) + 1);
}

TEST_F(Rest, ASubmissionIsSignedQueuedOrDeniedAndTheSameAgain) {
  serve();
  const std::tuple<const char*, unsigned, const char*> cases[] = {
      {"web-1.example.com", 201, "signed"}, {"db-1", 202, "queued"}, {"evil-1", 403, "denied"}};
  for (const auto& [name, status, state] : cases) {
    const std::string pem = csr(name);
    const Response first = submit_rest(pem);
    const Response again = submit_rest(pem);
    EXPECT_EQ(first.status, status);
    EXPECT_EQ(again.status, status);
    EXPECT_EQ(first.body, again.body);
    if (status == 403) {
      expect_problem(first, 403, "denied");
      EXPECT_EQ(text(json(first), "detail"), "not ours");
      continue;
    }
    const json::object body = json(first);
    EXPECT_EQ(text(body, "state"), state);
    EXPECT_EQ(header(first, "Location"), "/v1/requests/" + text(body, "id"));
    EXPECT_EQ(body.contains("certificate"), status == 201);
    EXPECT_EQ(body.contains("chain"), status == 201);
  }
}

TEST_F(Rest, ASubmissionMayBeJson) {
  serve();
  const std::string body = json::serialize(json::object{{"csr", csr("web-1.example.com")}});
  EXPECT_EQ(rest_call("POST", "/v1/requests", body, As::anonymous).status, 201U);
  expect_problem(rest_call("POST", "/v1/requests", "{", As::anonymous), 400, "malformed");
  expect_problem(rest_call("POST", "/v1/requests", "[]", As::anonymous), 400, "malformed");
  expect_problem(rest_call("POST", "/v1/requests", R"({"csr":1})", As::anonymous), 400,
                 "malformed");
  const Response unknown = rest_call("POST", "/v1/requests", R"({"scr":"x"})", As::anonymous);
  expect_problem(unknown, 400, "malformed");
  EXPECT_NE(text(json(unknown), "detail").find("'scr'"), std::string::npos);
  expect_problem(call(rest, request("POST", "/v1/requests", "x")), 415, "malformed");
}

TEST_F(Rest, UnknownPathsAndMethodsAreProblemsToo) {
  serve();
  expect_problem(rest_call("GET", "/v1/nothing"), 404, "not-found");
  expect_problem(rest_call("GET", "/v1/requests/a%2Fb"), 404, "not-found");
  const Response method = rest_call("DELETE", "/v1/requests");
  expect_problem(method, 405, "malformed");
  EXPECT_EQ(header(method, "Allow"), "POST, GET");
  expect_problem(rest_call("HEAD", "/v1/requests"), 405, "malformed");
  expect_problem(rest_call("GET", "/v1/requests/none"), 404, "not-found");
  expect_problem(rest_call("GET", "/v1/certificates/AB"), 404, "not-found");
  expect_problem(rest_call("GET", "/v1/certificates/xyz"), 400, "malformed");
}

TEST_F(Rest, WhatTheServerRefusesIsWordedHere) {
  serve();
  for (const unsigned status : {400U, 413U, 431U, 500U, 503U}) {
    Request asked = request("POST", "/v1/requests");
    asked.refused = Request::Refused{status, fail(Code::too_large, "why")};
    expect_problem(call(rest, asked), status, "too-large");
  }
}

TEST_F(Rest, TheQueueIsWorked) {
  serve();
  const std::string id = text(json(submit_rest(csr("db-1"))), "id");
  const std::string path = "/v1/requests/" + id;
  expect_problem(rest_call("POST", path + "/approve", "", As::anonymous), 401, "unauthenticated");
  expect_problem(rest_call("POST", path + "/approve", "", As::node), 403, "forbidden");
  for (const char* bad : {R"({"validity_seconds":0})", R"({"validity_seconds":"1"})",
                          R"({"subject_alt_names":1})", R"({"authorization_extensions":"yes"})"}) {
    expect_problem(rest_call("POST", path + "/approve", bad), 400, "malformed");
  }
  const Response approved = rest_call("POST", path + "/approve");
  EXPECT_EQ(approved.status, 200U);
  EXPECT_EQ(text(json(approved), "state"), "signed");
  EXPECT_TRUE(json(approved).contains("certificate"));
  expect_problem(rest_call("POST", path + "/approve"), 409, "conflict");

  const std::string other = "/v1/requests/" + text(json(submit_rest(csr("db-2"))), "id");
  expect_problem(rest_call("POST", other + "/deny"), 400, "malformed");
  EXPECT_EQ(rest_call("POST", other + "/deny", R"({"reason":"unknown"})").status, 200U);
  EXPECT_EQ(text(json(rest_call("GET", other)), "reason"), "unknown");
}

TEST_F(Rest, StrangersSeeTheOutcomeOfARequestAndNotHowItCameAbout) {
  serve();
  const json::object made = json(submit_rest(csr("web-1.example.com")));
  const std::string path = "/v1/requests/" + text(made, "id");
  for (const As who : {As::anonymous, As::node}) {
    const json::object seen = json(rest_call("GET", path, "", who));
    EXPECT_TRUE(seen.contains("certificate"));
    for (const char* key : {"trace", "rule", "csr", "source"}) EXPECT_FALSE(seen.contains(key));
    const json::object leaf =
        json(rest_call("GET", "/v1/certificates/" + text(made, "serial"), "", who));
    EXPECT_EQ(text(leaf, "certname"), "web-1.example.com");
    EXPECT_FALSE(leaf.contains("rule"));
    expect_problem(rest_call("GET", "/v1/requests", "", who), who == As::node ? 403 : 401,
                   who == As::node ? "forbidden" : "unauthenticated");
  }
  const json::object whole = json(rest_call("GET", path));
  EXPECT_EQ(text(whole, "rule"), "web tier");
  EXPECT_EQ(whole.at("trace").as_array().size(), 2U);
}

TEST_F(Rest, WithoutAnonymousCallersOnlyWhatIsPublicIsOpen) {
  settings.anonymous = false;
  serve();
  expect_problem(submit_rest(csr("web-1.example.com")), 401, "unauthenticated");
  EXPECT_EQ(submit_rest(csr("web-1.example.com"), As::node).status, 201U);
  for (const char* path :
       {"/v1/ca/chain", "/v1/crl", "/v1/health/live", "/v1/health/ready", "/v1/openapi.json"}) {
    EXPECT_EQ(rest_call("GET", path, "", As::anonymous).status, 200U) << path;
  }
  EXPECT_EQ(rest_call("GET", "/metrics", "", As::anonymous).status, 401U);
}

TEST_F(Rest, TheFormOfACertificateAndOfTheCrlIsNegotiated) {
  serve();
  const std::string serial = text(json(submit_rest(csr("web-1.example.com"))), "serial");
  const auto form = [&](const std::string& path, const char* accept) {
    Request asked = request("GET", path, "", As::anonymous);
    if (accept != nullptr) asked.headers.emplace_back("Accept", accept);
    const Response response = call(rest, asked);
    EXPECT_EQ(response.status, 200U);
    return response.content_type;
  };
  const std::string leaf = "/v1/certificates/" + serial;
  EXPECT_EQ(form(leaf, nullptr), "application/json");
  EXPECT_EQ(form(leaf, "application/json, text/plain, */*"), "application/json");
  EXPECT_EQ(form(leaf, "application/x-pem-file"), "application/x-pem-file");
  EXPECT_EQ(form("/v1/crl", "*/*"), "application/x-pem-file");
  EXPECT_EQ(form("/v1/crl", "application/pkix-crl"), "application/pkix-crl");
}

TEST_F(Rest, ARevocationIsIdempotent) {
  serve();
  const std::string path =
      "/v1/certificates/" + text(json(submit_rest(csr("web-1.example.com"))), "serial");
  expect_problem(rest_call("POST", path + "/revoke", R"({"reason":"boredom"})"), 400, "malformed");
  const Response first = rest_call("POST", path + "/revoke", R"({"reason":"keyCompromise"})");
  EXPECT_EQ(first.status, 200U);
  EXPECT_EQ(text(json(first), "revocation_reason"), "keyCompromise");
  const Response again = rest_call("POST", path + "/revoke", R"({"reason":"superseded"})");
  EXPECT_EQ(again.status, 200U);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(rest_call("POST", "/v1/revoke", R"({"certname":"web-1.example.com"})").body,
            R"({"revoked":0})");
  EXPECT_EQ(rest_call("POST", "/v1/clean", R"({"certnames":["web-1.example.com","nobody"]})").body,
            R"({"cleaned":["web-1.example.com"],"not_found":["nobody"]})");
}

TEST_F(Rest, ListsComeInPagesThatMissNothing) {
  serve();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(submit_rest(csr("web-" + std::to_string(i) + ".example.com")).status, 201U);
    ASSERT_EQ(submit_rest(csr("db-" + std::to_string(i))).status, 202U);
    clock.advance(std::chrono::milliseconds(1));  // ids sort by it
  }
  const auto names = [&](const std::string& target, const char* key) {
    std::vector<std::string> seen;
    std::string cursor;
    for (int page = 0; page < 10; ++page) {
      const json::object body = json(rest_call("GET", target + "limit=2" + cursor));
      for (const auto& row : body.at(key).as_array()) {
        seen.push_back(text(row.as_object(), "certname"));
      }
      if (body.at("next_cursor").is_null()) return seen;
      cursor = "&cursor=" + text(body, "next_cursor");
    }
    ADD_FAILURE() << "pages without end";
    return seen;
  };
  EXPECT_EQ(names("/v1/requests?state=queued&", "requests"),
            (std::vector<std::string>{"db-0", "db-1", "db-2", "db-3", "db-4"}));
  EXPECT_EQ(names("/v1/requests?match=%5Eweb-%5B12%5D&", "requests"),
            (std::vector<std::string>{"web-1.example.com", "web-2.example.com"}));
  EXPECT_EQ(names("/v1/certificates?", "certificates").size(), 5U);
  EXPECT_EQ(names("/v1/certificates?certname=web-3.example.com&", "certificates").size(), 1U);
  EXPECT_EQ(names("/v1/certificates?expires_before=2027-01-01&", "certificates").size(), 0U);
  EXPECT_EQ(names("/v1/certificates?expires_before=2040-01-01T00:00:00Z&", "certificates").size(),
            5U);
  for (const char* bad :
       {"/v1/requests?state=odd", "/v1/requests?limit=0", "/v1/requests?limit=1001",
        "/v1/requests?limit=x", "/v1/requests?match=(", "/v1/certificates?state=odd",
        "/v1/certificates?expires_before=soon", "/v1/certificates?cursor=abc",
        "/v1/requests?cursor=abc", "/v1/requests?cursor=%27"}) {
    expect_problem(rest_call("GET", bad), 400, "malformed");
  }
}

TEST_F(Rest, ATokenIsShownOnceAndOpensWhatItsRoleOpens) {
  serve();
  const Response made = rest_call("POST", "/v1/tokens", R"({"role":"auditor","label":"x"})");
  EXPECT_EQ(made.status, 201U);
  const std::string secret = text(json(made), "token");
  EXPECT_EQ(rest_call("GET", "/v1/tokens").body.find(secret), std::string::npos);
  const auto with = [&](const std::string& credential, const std::string& path) {
    Request asked = request("GET", path, "", As::anonymous);
    asked.headers.emplace_back("Authorization", credential);
    return call(rest, asked);
  };
  EXPECT_EQ(with("Bearer " + secret, "/v1/requests").status, 200U);
  EXPECT_EQ(with("bearer " + secret, "/v1/requests").status, 200U);
  expect_problem(with("Bearer " + secret, "/v1/tokens"), 403, "forbidden");
  for (const char* bad : {"Bearer cst_wrong", "Bearer ", "Basic Zm9v", "Bearer"}) {
    const Response refused = with(bad, "/v1/health/live");
    expect_problem(refused, 401, "unauthenticated");
    EXPECT_EQ(header(refused, "WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(store.audit("", 1)->front().action, "refuse");
  const std::string path = "/v1/tokens/" + text(json(made), "id") + "/revoke";
  EXPECT_EQ(rest_call("POST", path).status, 204U);
  EXPECT_EQ(rest_call("POST", path).status, 204U);
  expect_problem(with("Bearer " + secret, "/v1/requests"), 401, "unauthenticated");
  for (const char* bad :
       {R"({"role":"agent"})", R"({})", R"({"role":"auditor","lifetime_seconds":0})",
        R"({"role":"auditor","lifetime_seconds":9223372036854775807})"}) {
    expect_problem(rest_call("POST", "/v1/tokens", bad), 400, "malformed");
  }
}

TEST_F(Rest, ACertificateKnownByItsSerialAloneIsDescribedRevokedAndNeverGiven) {
  serve();
  const std::vector<store::WriteBatch> batches = {
      {store::InsertCertificate{{.issuer = store.issuers().value().front().id,
                                 .serial = {0x2A},
                                 .certname = "old.example.com",
                                 .not_before = clock.now() - std::chrono::days(9),
                                 .not_after = clock.now() + std::chrono::days(9),
                                 .profile = "agent",
                                 .rule = "import",
                                 .issued_at = clock.now() - std::chrono::days(9),
                                 .current = false}}}};
  ASSERT_TRUE(store.apply(batches).front().has_value());

  const json::object found = json(rest_call("GET", "/v1/certificates/2A"));
  EXPECT_EQ(text(found, "certname"), "old.example.com");
  EXPECT_EQ(text(found, "state"), "signed");
  EXPECT_TRUE(found.at("certificate").is_null());
  EXPECT_TRUE(found.at("fingerprint_sha256").is_null());
  Request asked = request("GET", "/v1/certificates/2A");
  asked.headers.emplace_back("Accept", "application/x-pem-file");
  expect_problem(call(rest, asked), 404, "not-found");
  EXPECT_EQ(puppet_call("GET", "certificate/old.example.com").status, 404U);
  EXPECT_EQ(puppet_call("GET", "certificate_status/old.example.com").status, 404U);
  EXPECT_EQ(puppet_call("GET", "certificate_statuses/all").body, "[]");

  EXPECT_EQ(
      puppet_call("PUT", "certificate_status/old.example.com", R"({"desired_state":"revoked"})")
          .status,
      204U);
  EXPECT_TRUE(store.certificate_by_serial(Bytes{0x2A}).value()->revocation.has_value());
}

TEST_F(Rest, APageOfAnotherSiteCannotMakeABrowserActForItsOperator) {
  serve();
  const std::string id = text(json(submit_rest(csr("db-1"))), "id");
  Request asked = request("POST", "/v1/requests/" + id + "/approve");
  asked.headers.emplace_back("Sec-Fetch-Site", "cross-site");
  expect_problem(call(rest, asked), 403, "forbidden");
  EXPECT_EQ(store.request(id).value()->state, store::RequestState::queued);
}

TEST_F(Rest, TheAuditIsListedAsItIsHashedInEitherOrderPageByPage) {
  serve();
  submit_rest(csr("web-1.example.com"));
  submit_rest(csr("db-1"));
  const auto rows = store.audit_rows({}).value().rows;
  ASSERT_EQ(rows.size(), 2U);
  const json::object all = json(rest_call("GET", "/v1/audit"));
  EXPECT_EQ(all.at("audit").as_array().at(0), json::value(ca::audit_object(rows[0])));
  EXPECT_EQ(all.at("audit").as_array().at(1), json::value(ca::audit_object(rows[1])));
  EXPECT_TRUE(all.at("next_cursor").is_null());
  const json::object newest = json(rest_call("GET", "/v1/audit?order=newest&limit=1"));
  EXPECT_EQ(newest.at("audit").as_array().at(0).at("sequence"), 2);
  const json::object next = json(
      rest_call("GET", "/v1/audit?order=newest&limit=1&cursor=" + text(newest, "next_cursor")));
  EXPECT_EQ(next.at("audit").as_array().at(0).at("sequence"), 1);
  const json::object one =
      json(rest_call("GET", "/v1/audit?subject=db-1&action=queue&since=2020-01-01"));
  EXPECT_EQ(one.at("audit").as_array().size(), 1U);
  EXPECT_EQ(json(rest_call("GET", "/v1/audit?actor=nobody")).at("audit").as_array().size(), 0U);
  for (const char* bad : {"order=up", "since=soon", "cursor=x", "cursor=-1", "limit=0"}) {
    expect_problem(rest_call("GET", std::string("/v1/audit?") + bad), 400, "malformed");
  }
  expect_problem(rest_call("GET", "/v1/audit", "", As::anonymous), 401, "unauthenticated");
}

TEST_F(Rest, CheckpointsAreListedPageByPage) {
  serve();
  submit_rest(csr("web-1.example.com"));
  submit_rest(csr("db-1"));
  for (const std::int64_t row : {1, 2}) {
    store::WriteBatch batch;
    batch.push_back(
        store::AppendAuditCheckpoint{{.sequence = row, .hash = Bytes{1}, .signature = Bytes{2}}});
    ASSERT_TRUE(store.apply({&batch, 1}).front());
  }
  const json::object first = json(rest_call("GET", "/v1/audit/checkpoints?limit=1"));
  EXPECT_EQ(first.at("checkpoints").as_array().at(0).at("checkpoint").at("sequence"), 1);
  const json::object second =
      json(rest_call("GET", "/v1/audit/checkpoints?limit=5&cursor=" + text(first, "next_cursor")));
  EXPECT_EQ(second.at("checkpoints").as_array().size(), 1U);
  EXPECT_TRUE(second.at("next_cursor").is_null());
  expect_problem(rest_call("GET", "/v1/audit/checkpoints?cursor=x"), 400, "malformed");
  expect_problem(rest_call("GET", "/v1/audit/checkpoints", "", As::anonymous), 401,
                 "unauthenticated");
}

TEST_F(Rest, ExplainHistoryHealthAndMetricsAnswer) {
  serve();
  const std::string body = json::serialize(json::object{{"csr", csr("web-1.example.com")}});
  const json::object decision = json(rest_call("POST", "/v1/policy/explain", body));
  EXPECT_EQ(text(decision, "action"), "sign");
  EXPECT_EQ(text(decision, "certname"), "web-1.example.com");
  submit_rest(csr("web-1.example.com"));
  const json::object history = json(rest_call("GET", "/v1/history?subject=web-1.example.com"));
  EXPECT_EQ(text(history.at("history").as_array().at(0).as_object(), "action"), "issue");
  EXPECT_EQ(text(json(rest_call("GET", "/v1/health/ready")), "status"), "ready");
  const std::string metrics = rest_call("GET", "/metrics").body;
  EXPECT_NE(metrics.find("\ncountersign_certificates 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("\ncountersign_audit_ok 0\n"), std::string::npos) << "there is no key";
  store.failing = true;
  submit_rest(csr("db-1"));
  EXPECT_EQ(rest_call("GET", "/v1/health/ready").status, 503U);
}

}  // namespace
}  // namespace countersign::api
