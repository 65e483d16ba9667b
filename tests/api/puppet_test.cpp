// The contract of Puppet's CA, version 1: numbers are those of its conformance checklist.
#include "api/puppet/status_object.h"
#include "tests/api/puppet_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
namespace json = boost::json;

constexpr const char* kText = "text/plain; charset=utf-8";

class Puppet : public PuppetTest {};

TEST_F(Puppet, AnyoneReadsTheChainACertificateAndTheCrl) {  // 1, 2, 6, 8, 10, 11
  serve_puppet(true);
  const Response chain = get("certificate/ca");
  expect_answer(chain, 200, authority->chain_pem());
  EXPECT_EQ(chain.content_type, "text/plain");
  expect_answer(get("certificate/ca?environment=production"), 200, authority->chain_pem());
  expect_answer(get("certificate/unknown"), 404, "Could not find certificate unknown");
  expect_answer(get("certificate_revocation_list/ca"), 200, *authority->crl_pem());
  EXPECT_EQ(get("certificate_revocation_list/foo").status, 403U);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  EXPECT_TRUE(get("certificate/a").body.starts_with("-----BEGIN CERTIFICATE-----\n"));
}

TEST_F(Puppet, IfModifiedSinceIsHeldAgainstTheAgeOfWhatIsServed) {  // 3, 4, 5, 7
  clock.advance(std::chrono::milliseconds(500));
  serve_puppet(false);
  for (const char* path : {"certificate/ca", "certificate_revocation_list/ca"}) {
    const std::pair<const char*, unsigned> cases[] = {
        {"Mon, 01 Jun 2026 13:00:00 GMT", 304},
        {"Mon, 01 Jun 2026 12:00:01 GMT", 304},
        {"Mon, 01 Jun 2026 12:00:00 GMT", 200},  // half a second older than ours
        {"Mon, 01 Jun 2026 11:00:00 GMT", 200},
        {"Mon, 01 Jun 2026 13:00:00 +0900", 200},
        {"yesterday", 200},
        {"", 200},
    };
    for (const auto& [date, code] : cases) {
      const Response response = get_since(path, date);
      EXPECT_EQ(response.status, code) << path << " " << date;
      EXPECT_EQ(response.content().empty(), code == 304);
      EXPECT_EQ(response.content_type, "text/plain");
    }
  }
}

TEST_F(Puppet, ASubmittedRequestWaitsAndCanBeRead) {  // 9, 12, 14
  serve_puppet(false);
  const std::string pem = csr("a");
  const Response first = put("a", pem);
  expect_answer(first, 200, "");
  EXPECT_EQ(first.content_type, "text/plain");
  EXPECT_EQ(get("certificate_request/a").body, pem);
  EXPECT_EQ(get("certificate/a").status, 404U);
  expect_answer(get("certificate_request/b"), 404, "Could not find certificate_request b");
  const Response again = put("a", pem);
  expect_answer(again, 400, "a already has a requested certificate; ignoring certificate request");
  EXPECT_EQ(again.content_type, kText);
}

TEST_F(Puppet, ANameThatIsTakenIsToldInPuppetsWords) {  // 13, 15, 16, 17
  serve_puppet(true);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  EXPECT_EQ(get("certificate/a").status, 200U);
  EXPECT_EQ(get("certificate_request/a").status, 404U);
  const std::string signed_text =
      "a already has a signed certificate; ignoring certificate request";
  expect_answer(put("a", csr("a", {.key = 1})), 400, signed_text);
  ASSERT_EQ(status("a", R"({"desired_state":"revoked"})").status, 204U);
  expect_answer(put("a", csr("a", {.key = 1})), 400,
                "a already has a revoked certificate; ignoring certificate request");
  EXPECT_EQ(get("certificate/a").status, 200U) << "until it is cleaned";
  ASSERT_EQ(puppet_call("PUT", "clean", R"({"certnames":["a"]})").status, 200U);
  EXPECT_EQ(put("a", csr("a", {.key = 1})).status, 200U);
}

TEST_F(Puppet, BadNamesAndRequestsAreToldInPuppetsWords) {  // 19 to 22
  serve_puppet(false);
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"b", "a", R"(Instance name "a" does not match requested key "b")"},
      {"Upper", "Upper", "Certificate names must be lower case."},
      {"a-", "a-", "Subject hostname format is invalid"},
      {"-a", "-a", "Subject hostname format is invalid"},
      {"a..b", "a..b", "Subject hostname format is invalid"},
  };
  for (const auto& [path, name, wanted] : cases) {
    const Response response = put(path, csr(name));
    expect_answer(response, 400, wanted);
    EXPECT_EQ(response.content_type, kText);
  }
  EXPECT_EQ(store.counts()->queued, 0);
  for (const char* name : {"rootca.", "_x.example.com", "root_ca", "a-b.c1"}) {
    EXPECT_EQ(put(name, csr(name)).status, 200U) << name;
  }
  for (const std::string& garbage : {std::string(), std::string("hello"), csr("a") + csr("a")}) {
    EXPECT_EQ(put("a", garbage).status, 400U);
  }
}

TEST_F(Puppet, WhatAutosignMayNotGiveIsRefusedAndStaysPending) {  // 24, 26, 27, 29
  serve_puppet(true);
  EXPECT_EQ(put("a", csr("a", {.names = {dns("a")}})).status, 200U);
  EXPECT_EQ(get("certificate/a").status, 200U);
  expect_answer(put("b", csr("b", {.extensions = {x509::utf8_extension("1.9.9.9.9.9.9", "x")}})),
                400, "Found extensions that are not permitted: 1.9.9.9.9.9.9");
  EXPECT_EQ(get("certificate_request/b").status, 200U);
  const Response names = put("c", csr("c", {.names = {dns("c"), dns("d")}}));
  EXPECT_EQ(names.status, 400U);
  EXPECT_TRUE(
      names.body.starts_with("CSR 'c' contains extra subject alternative names (DNS:d), "
                             "which are disallowed."))
      << names.body;
  const Response role =
      put("e", csr("e", {.extensions = {x509::utf8_extension("1.3.6.1.4.1.34380.1.3.13", "x")}}));
  EXPECT_TRUE(role.body.starts_with("CSR 'e' contains an authorization extension")) << role.body;
}

TEST_F(Puppet, ARequestOfAnotherKeyIsRefusedInPuppetsWords) {  // 25
  serve_puppet(true);
  x509::testing::CsrContent content;
  content.subject = x509::common_name_only("a");
  content.spki = to_bytes(ca::testing::machine_key(1).public_key().spki());
  const std::string pem = x509::pem_encode(
      x509::kPemCsr, x509::testing::make_csr(content, ca::testing::machine_key(0)));
  expect_answer(put("a", pem), 400,
                "CSR contains a public key that does not correspond to the signing key");
}

TEST_F(Puppet, ADenialIsShown) {
  serve();
  expect_answer(put("evil-1", csr("evil-1")), 403, "not ours");
}

TEST_F(Puppet, AStatusDescribesACertificateOrARequest) {  // 40 to 42, 54
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const json::object waiting = json(get("certificate_status/a", As::op));
  EXPECT_EQ(text(waiting, "state"), "requested");
  for (const char* key : {"serial_number", "not_before", "not_after"}) {
    EXPECT_FALSE(waiting.contains(key));
  }
  ASSERT_EQ(status("a", R"({"desired_state":"signed"})").status, 204U);
  const Response response = get("certificate_status/a", As::op);
  EXPECT_EQ(response.content_type, "application/json;charset=utf-8");
  const json::object made = json(response);
  EXPECT_EQ(text(made, "name"), "a");
  EXPECT_EQ(text(made, "state"), "signed");
  EXPECT_EQ(text(made, "not_before"), "2026-05-31T12:00:00UTC");
  EXPECT_EQ(json::serialize(made.at("dns_alt_names")), R"(["DNS:a"])");
  EXPECT_EQ(json::serialize(made.at("subject_alt_names")), R"(["DNS:a"])");
  EXPECT_TRUE(made.at("authorization_extensions").as_object().empty());
  EXPECT_TRUE(made.at("serial_number").is_number());
  EXPECT_EQ(made.at("fingerprint"), made.at("fingerprints").at("default"));
  const auto row = store.current_certificate("a").value();
  EXPECT_NE(response.body.find("\"serial_number\":" + decimal(row->serial) + "}"),
            std::string::npos);
  EXPECT_EQ(get("certificate_status/%61", As::op).body, response.body);
  expect_answer(get("certificate_status/%2561", As::op), 404, "Not Found");
  expect_answer(get("certificate_status/b", As::op), 404, "Resource not found.");

  Request pson = request("GET", "/puppet-ca/v1/certificate_status/a");
  pson.headers.emplace_back("Accept", "text/pson");
  EXPECT_EQ(call(puppet, pson).content_type, "text/pson;charset=utf-8");
  Request png = request("GET", "/puppet-ca/v1/certificate_status/a");
  png.headers.emplace_back("Accept", "image/png");
  EXPECT_EQ(call(puppet, png).status, 406U);
}

TEST_F(Puppet, SerialsAreWrittenAsDecimalsOfAnySize) {
  EXPECT_EQ(decimal(Bytes{0}), "0");
  EXPECT_EQ(decimal(Bytes{1, 0}), "256");
  EXPECT_EQ(decimal(Bytes(16, 0xFF)), "340282366920938463463374607431768211455");
}

TEST_F(Puppet, StatusesAreListedByState) {  // 43, 44
  serve_puppet(false);
  for (const char* name : {"a", "b", "c"}) ASSERT_EQ(put(name, csr(name)).status, 200U);
  ASSERT_EQ(status("b", R"({"desired_state":"signed"})").status, 204U);
  ASSERT_EQ(status("c", R"({"desired_state":"signed"})").status, 204U);
  ASSERT_EQ(status("c", R"({"desired_state":"revoked"})").status, 204U);
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"any_key", {"a", "b", "c"}},
      {"any_key?state=requested", {"a"}},
      {"all?state=signed", {"b"}},
      {"any_key?state=revoked", {"c"}},
      {"any_key?state=bogus", {"a", "b", "c"}},
  };
  for (const auto& [query, wanted] : cases) {
    std::vector<std::string> seen;
    const Response response = get(std::string("certificate_statuses/") + query, As::op);
    const json::value list = json::parse(response.body);
    for (const auto& item : list.as_array()) {
      seen.push_back(text(item.as_object(), "name"));
    }
    EXPECT_EQ(seen, wanted) << query;
  }
  const Response missing = get("certificate_statuses/", As::op);
  expect_answer(missing, 400, "Missing URL Segment");
  EXPECT_EQ(missing.content_type, kText);
}

TEST_F(Puppet, AStatusThatIsPutIsCheckedInOrderAndInPuppetsWords) {  // 46 to 50, 52
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::tuple<const char*, const char*, unsigned, const char*> bad[] = {
      {"a", "", 400, "Request body is not JSON."},
      {"a", "{", 400, "Request body is not JSON."},
      {"a", "{}", 400, "Missing required parameter \"desired_state\""},
      {"a", R"({"desired_state":"x"})", 400,
       "State x invalid; Must specify desired state of 'signed' or 'revoked' for host a."},
      {"a", R"({"desired_state":"signed","cert_ttl":"astring"})", 400,
       "cert_ttl specified for host a must be an integer, not \"astring\""},
      {"a", R"({"desired_state":"signed","cert_ttl":1.5})", 400, nullptr},
      {"a", R"({"desired_state":"signed","cert_ttl":-1})", 409, nullptr},
      {"a", R"({"desired_state":"signed","cert_ttl":9223372036854775807})", 409, nullptr},
      {"a", R"({"desired_state":"revoked"})", 409,
       "Cannot revoke certificate for host a without a signed certificate"},
      {"never", R"({"desired_state":"signed"})", 404, "Invalid certificate subject."},
      {"never", R"({"desired_state":"revoked"})", 404, "Invalid certificate subject."},
  };
  for (const auto& [name, body, code, wanted] : bad) {
    const Response response = status(name, body);
    EXPECT_EQ(response.status, code) << body << ": " << response.body;
    if (wanted == nullptr) continue;
    EXPECT_EQ(response.body, wanted);
  }
  const char* sign = R"({"desired_state":"signed"})";
  expect_answer(status("a", sign, "bogus"), 415, "Unsupported media type.");
  expect_answer(status("a", sign, "application/json; charset=utf-8"), 204, "");
  expect_answer(status("a", sign), 409,
                "Cannot sign certificate for host a without a certificate request");
  ASSERT_EQ(put("e", csr("e", {.extensions = {x509::basic_constraints(true)}})).status, 200U);
  const Response refused = status("e", sign);
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(refused.body, "Found extensions that are not permitted: 2.5.29.19");
}

TEST_F(Puppet, ATtlIsKept) {  // 45
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  ASSERT_EQ(status("a", R"({"desired_state":"signed","cert_ttl":3600})").status, 204U);
  const auto row = store.current_certificate("a").value();
  EXPECT_EQ(row->not_after, clock.now() + std::chrono::hours(1));
  EXPECT_EQ(row->not_before, clock.now() - std::chrono::hours(24));
}

TEST_F(Puppet, ARevocationAndADeletionMayBeRepeated) {  // 51, 53
  serve_puppet(true);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::uint64_t before = authority->revocations();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(status("a", R"({"desired_state":"revoked"})").status, 204U);
    EXPECT_EQ(authority->revocations(), before + 1);
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(puppet_call("DELETE", "certificate_status/a").status, 204U);
  }
  EXPECT_EQ(get("certificate/a").status, 404U);
  expect_answer(puppet_call("DELETE", "certificate_status/never"), 404, "Resource not found.");
}

TEST_F(Puppet, ManyAreSignedInOneCall) {  // 55 to 57
  serve_puppet(false);
  expect_answer(puppet_call("POST", "sign/all", "{}"), 200,
                R"({"signed":[],"no-csr":[],"signing-errors":[]})");
  ASSERT_EQ(put("good", csr("good")).status, 200U);
  ASSERT_EQ(put("odd", csr("odd", {.extensions = {x509::utf8_extension("1.9.9", "x")}})).status,
            200U);
  const Response some = puppet_call("POST", "sign", R"({"certnames":["good","missing","odd"]})");
  expect_answer(some, 200, R"({"signed":["good"],"no-csr":["missing"],"signing-errors":["odd"]})");
  EXPECT_EQ(some.content_type, "application/json");
  const Response schema = puppet_call("POST", "sign", R"({"certnames":[1,2,3]})");
  EXPECT_EQ(schema.status, 422U);
  EXPECT_TRUE(schema.body.starts_with(R"({"kind":"schema-violation")")) << schema.body;
  for (const char* body : {"", "{", "{}"}) {
    EXPECT_EQ(puppet_call("POST", "sign", body).body,
              R"({"signed":[],"no-csr":[],"signing-errors":[]})");
  }
  ASSERT_EQ(put("late", csr("late")).status, 200U);
  EXPECT_EQ(puppet_call("POST", "sign/all").body,
            R"({"signed":["late"],"no-csr":[],"signing-errors":["odd"]})");
}

TEST_F(Puppet, SignAllLeavesOutWhatWouldRevokeALiveCertificate) {
  serve(
      "[[rule]]\nname = \"all\"\nmatch = { certname_regex = '.*' }\n"
      "action = \"sign\"\nreuse = \"queue\"\n");
  ASSERT_EQ(put("good", csr("good")).status, 200U);
  const auto first = store.current_certificate("good").value().value();
  ASSERT_EQ(put("good", csr("good", {.key = 1})).status, 200U);
  EXPECT_EQ(puppet_call("POST", "sign/all").body,
            R"({"signed":[],"no-csr":[],"signing-errors":[]})");
  EXPECT_EQ(store.current_certificate("good").value().value(), first);
  EXPECT_EQ(puppet_call("POST", "sign", R"({"certnames":["good"]})").body,
            R"({"signed":["good"],"no-csr":[],"signing-errors":[]})");
}

TEST_F(Puppet, ManyAreCleanedInOneCall) {  // 58 to 60
  serve_puppet(true);
  for (const char* name : {"a", "b", "c", "kept"}) ASSERT_EQ(put(name, csr(name)).status, 200U);
  expect_answer(puppet_call("PUT", "clean", R"({"certnames":["a","b","a"]})"), 200,
                "Successfully cleaned all certs.");
  expect_answer(puppet_call("PUT", "clean", R"({"certnames":["c","x","y"]})"), 200,
                R"(The following certs do not exist and cannot be revoked: ["x" "y"])");
  EXPECT_TRUE(store.certificates_of("c")->front().revocation);
  const std::pair<const char*, const char*> bad[] = {
      {"{", "Request body is not JSON."},
      {"{}",
       "Missing required key: 'certnames'. Please supply the list of certs you want to clean."},
      {R"({"certnames":["kept",7]})",
       "'certnames' must be an array of strings. Nothing was cleaned."},
      {R"({"certnames":["a"],"async":true})", "Async mode is not currently supported."},
  };
  for (const auto& [body, wanted] : bad) {
    expect_answer(puppet_call("PUT", "clean", body), 400, wanted);
  }
  EXPECT_FALSE(store.certificates_of("kept")->front().revocation);
}

TEST_F(Puppet, WhoMayDoWhatIsAskedBeforeWhatThereIs) {  // 65, 67, section 1.0
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::pair<const char*, const char*> operators_only[] = {
      {"GET", "certificate_status/a"},
      {"PUT", "certificate_status/a"},
      {"DELETE", "certificate_status/a"},
      {"GET", "certificate_statuses/any_key"},
      {"POST", "sign"},
      {"POST", "sign/all"},
      {"PUT", "clean"},
      {"PUT", "certificate_revocation_list"},
  };
  for (const auto& [method, path] : operators_only) {
    for (const As who : {As::anonymous, As::node}) {
      const Response response = puppet_call(method, path, "{}", who);
      std::string lower(method);
      for (char& c : lower) c = static_cast<char>(c - 'A' + 'a');
      expect_answer(response, 403,
                    "Forbidden request: /puppet-ca/v1/" + std::string(path) + " (method :" + lower +
                        "). Please see the server logs for details.");
    }
  }
  EXPECT_EQ(store.audit("", 1)->front().action, "refuse");
  // Nobody: unknown paths, other methods, HEAD, what a later issue brings.
  const std::pair<const char*, const char*> nobody[] = {
      {"GET", "unknown"},
      {"HEAD", "certificate/ca"},
      {"POST", "certificate/ca"},
      {"DELETE", "certificate_request/a"},
      {"GET", "certificate_revocation_list"},
      {"POST", "certificate_revocation_list"},
      {"PUT", "certificate_revocation_list/"},
      {"PUT", "certificate_revocation_list/ca"},
      {"PUT", "certificate_revocation_lists"},
      {"GET", "certificate/../certificate_status/a"},
      {"GET", "certificate/%00"},
      {"GET", "certificate/%zz"},
  };
  for (const auto& [method, path] : nobody) {
    EXPECT_EQ(puppet_call(method, path).status, 403U) << method << " " << path;
  }
  EXPECT_EQ(puppet_call("POST", "certificate_renewal", "", As::anonymous).status, 403U);
  expect_answer(puppet_call("POST", "certificate_renewal", "", As::node), 404, "Not Found");
}

TEST_F(Puppet, ASubjectIsDecodedOnceAndKeptToPuppetsAlphabet) {
  serve_puppet(true);
  ASSERT_EQ(put("localhost", csr("localhost")).status, 200U);
  EXPECT_EQ(get("certificate/%6cocalhost").status, 200U);
  for (const char* subject : {"%256cocalhost", "a%2Fb", "a/b", "a%20b", "a%25", "*", "a:b", "..",
                              ".", "%2e%2e", "", "a%0a"}) {
    expect_answer(get(std::string("certificate/") + subject), 404, "Not Found");
    EXPECT_EQ(get(std::string("certificate/") + subject).content_type, "text/html; charset=utf-8");
  }
  // An escaped way into an operator's path is not a way around its rule.
  EXPECT_EQ(get("certificate%5Fstatus/localhost").status, 403U);
  EXPECT_EQ(get("certificate/%2E%2E/certificate_status/localhost").status, 403U);
}

TEST_F(Puppet, WithoutAStoreAnAgentIsToldToComeBack) {
  serve_puppet(true);
  store.failing = true;
  const Response response = put("a", csr("a"));
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(header(response, "Retry-After"), "2");
  EXPECT_EQ(header(response, "X-Puppet-Version"), "8.7.0");
}

TEST_F(Puppet, WhatTheServerRefusesIsWordedHere) {
  serve_puppet(true);
  for (const unsigned code : {400U, 413U, 431U, 503U}) {
    Request asked = request("PUT", "/puppet-ca/v1/certificate_request/a");
    asked.refused = Request::Refused{code, fail(Code::overloaded, "why")};
    expect_answer(call(puppet, asked), code, "why");
  }
  Request asked = request("GET", "/puppet-ca/v1/certificate/a");
  asked.refused = Request::Refused{500, fail(Code::internal, "see the log")};
  expect_answer(call(puppet, asked), 500, "Internal Server Error: see the log");
}

TEST_F(Puppet, TheStatusOfTheServiceIsThereForAgentsAndTools) {  // 87
  serve_puppet(true);
  const auto ask = [&](const std::string& method, const std::string& path) {
    return call(puppet, request(method, path, "", As::anonymous));
  };
  for (const char* path : {"/status/v1/simple", "/status/v1/simple/ca", "/status/v1/simple/server",
                           "/status/v1/simple/master"}) {
    EXPECT_EQ(ask("GET", path).status, 200U);
    EXPECT_EQ(ask("GET", path).body, "running");
  }
  EXPECT_EQ(ask("GET", "/status/v1/simple/x").body, "not found: x");
  const json::object all = json(ask("GET", "/status/v1/services"));
  EXPECT_EQ(all.size(), 3U);
  EXPECT_EQ(text(all.at("ca").as_object(), "service_version"), "8.7.0");
  EXPECT_EQ(text(json(ask("GET", "/status/v1/services/ca")), "service_name"), "ca");
  const Response unknown = ask("GET", "/status/v1/services/x\"y");
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_EQ(text(json(unknown), "kind"), "service-not-found");
  EXPECT_EQ(text(json(unknown), "msg"), "No status information found for service x\"y");
  EXPECT_EQ(ask("POST", "/status/v1/simple").status, 403U);
  EXPECT_EQ(ask("GET", "/status/v1/nothing").status, 403U);
  EXPECT_EQ(ask("GET", "/status/v1/simplest").status, 404U);
}

}  // namespace
}  // namespace countersign::api
