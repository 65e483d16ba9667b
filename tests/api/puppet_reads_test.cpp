// What clients may ask for and in which form: cases 42, 47 and 64 of the contract, 1.1 and 1.11.
#include "tests/api/puppet_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class PuppetReads : public PuppetTest {
 protected:
  Response with(const std::string& method, const std::string& path, const std::string& name,
                const std::string& value, std::string body = "") {
    Request asked = request(method, "/puppet-ca/v1/" + path, std::move(body));
    asked.headers.emplace_back(name, value);
    return call(puppet, std::move(asked));
  }
};

TEST_F(PuppetReads, AnyCertificateOfOursLearnsUntilWhenChainAndCrlsAreGood) {  // 64
  serve_puppet(false);
  const Response response = get("expirations", As::node);
  expect_answer(response, 200,
                R"({"ca-certs":{"Test Issuing CA":"2046-01-01T00:00:00UTC",)"
                R"("Test Root CA":"2046-01-01T00:00:00UTC"},)"
                R"("crls":{"Test Issuing CA":"2026-06-08T12:00:00UTC"}})");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(get("expirations", As::anonymous).status, 403U);
  EXPECT_EQ(puppet_call("POST", "expirations").status, 403U);
}

TEST_F(PuppetReads, AnAcceptThatNamesNoneOfOurTypesIsRefused) {  // 42
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::tuple<const char*, unsigned, const char*> cases[] = {
      {"application/json", 200, "application/json;charset=utf-8"},
      {"text/pson", 200, "text/pson;charset=utf-8"},
      {"pson", 200, "pson;charset=utf-8"},
      {"*/*", 200, "application/json;charset=utf-8"},
      {"application/*", 200, "application/json;charset=utf-8"},
      {"application/json;q=0.5, text/pson", 200, "text/pson;charset=utf-8"},
      {"TEXT/PSON; charset=utf-8", 200, "text/pson;charset=utf-8"},
      {"image/png, */*;q=0.1", 200, "application/json;charset=utf-8"},
      {"image/png", 406, "text/plain; charset=utf-8"},
      {"application/json-patch", 406, "text/plain; charset=utf-8"},
      {"application/json;q=0", 406, "text/plain; charset=utf-8"},
  };
  for (const auto& [accept, code, type] : cases) {
    for (const char* path : {"certificate_status/a", "certificate_statuses/all"}) {
      const Response response = with("GET", path, "Accept", accept);
      EXPECT_EQ(response.status, code) << accept;
      EXPECT_EQ(response.content_type, type) << accept;
      if (code == 406) {
        EXPECT_EQ(response.content(), "No acceptable resource available.");
      }
    }
  }
}

TEST_F(PuppetReads, ABodysTypeCountsWithoutItsParametersAndCase) {  // 47
  serve_puppet(false);
  const std::pair<const char*, unsigned> cases[] = {
      {"application/json", 404}, {"Application/JSON ; charset=utf-8", 404},
      {"text/pson", 404},        {"pson", 404},
      {"text/plain", 415},       {"application/jsonx", 415},
  };
  for (const auto& [type, code] : cases) {
    const Response response = with("PUT", "certificate_status/never", "Content-Type", type,
                                   R"({"desired_state":"signed"})");
    EXPECT_EQ(response.status, code) << type;
    if (code == 415) {
      EXPECT_EQ(response.content(), "Unsupported media type.");
    }
  }
}

TEST_F(PuppetReads, ValuesOfOtherJsonTypesAreNamedInPuppetsWords) {  // 46
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::tuple<const char*, unsigned, const char*> cases[] = {
      {R"({"desired_state":null})", 400, "Missing required parameter \"desired_state\""},
      {R"({"desired_state":5})", 400, "Missing required parameter \"desired_state\""},
      {R"({"desired_state":"signed","cert_ttl":[1]})", 400,
       "cert_ttl specified for host a must be an integer, not \"[1]\""},
      {R"({"desired_state":"signed","cert_ttl":0})", 409, nullptr},
      {R"({"desired_state":"signed","cert_ttl":9223372036854775808})", 409, nullptr},
      {R"({"desired_state":"signed","cert_ttl":18446744073709551616})", 400, nullptr},
      {R"({"desired_state":"signed","cert_ttl":1576800001})", 409, nullptr},
      {R"({"desired_state":"signed","cert_ttl":null})", 204, ""},
  };
  for (const auto& [body, code, wanted] : cases) {
    const Response response = status("a", body);
    EXPECT_EQ(response.status, code) << body;
    if (wanted != nullptr) {
      EXPECT_EQ(response.content(), wanted);
    }
  }
}

TEST_F(PuppetReads, ACertificateThatTheClientHasIsNotSentAgain) {  // 1.1
  serve_puppet(true);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  EXPECT_EQ(get_since("certificate/a", "Mon, 01 Jun 2026 12:00:00 GMT").status, 304U);
  EXPECT_EQ(get_since("certificate/a", "Mon, 01 Jun 2026 11:59:59 GMT").status, 200U);
  EXPECT_EQ(get_since("certificate/b", "Mon, 01 Jun 2026 12:00:00 GMT").status, 404U);
}

TEST_F(PuppetReads, TheStatusIsToldAtTheLevelThatWasAskedFor) {  // 1.11
  serve_puppet(false);
  const auto ask = [&](const std::string& target) {
    return call(puppet, request("GET", target, "", As::anonymous));
  };
  for (const char* level : {"critical", "info", "debug"}) {
    const Response one = ask(std::string("/status/v1/services/ca?level=") + level);
    EXPECT_EQ(text(json(one), "detail_level"), level);
  }
  EXPECT_EQ(text(json(ask("/status/v1/services/ca")), "detail_level"), "info");
  const Response bad = ask("/status/v1/services?level=loud");
  EXPECT_EQ(bad.status, 400U);
  EXPECT_EQ(text(json(bad), "msg"), "Invalid level: :loud");
  EXPECT_EQ(ask("/status/v1/services/nothing?level=loud").status, 404U);
  EXPECT_EQ(ask("/status/v1/simple/ca").content_type, "text/plain; charset=utf-8");
}

TEST_F(PuppetReads, NamesOfMoreThan64CharactersWorkAndCaIsReserved) {  // 2.1
  serve_puppet(true);
  const std::string name = "a-node-with-a-long-name." + std::string(63, 'x') + ".example.com";
  ASSERT_EQ(put(name, csr(name)).status, 200U);
  EXPECT_EQ(text(json(get("certificate_status/" + name, As::op)), "name"), name);
  expect_answer(put("ca", csr("ca")), 400, "The name 'ca' is reserved.");
}

}  // namespace
}  // namespace countersign::api
