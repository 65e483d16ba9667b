// What a token can be bound to, as it is ordered and stored.
#include "policy/enrolment_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::policy {
namespace {

using ::testing::HasSubstr;

TEST(EnrolmentToken, AnOrderIsReadWholeAndWrittenBackTheSame) {
  const auto bounds = parse_token_bounds(R"({"certname":"web-1","dns":["WWW.example.com"],
      "ip":["10.0.0.0/8"],"extensions":{"pp_role":"web"},"source":["192.0.2.1"],
      "key_sha256":"AA:BBAABBAABBAABBAABBAABBAABBAABBAABBAABBAABBAABBAABBAABBAABBAABB",
      "profile":"agent"})");
  ASSERT_TRUE(bounds.has_value()) << bounds.error().detail;
  EXPECT_EQ(bounds->certname, "web-1");
  EXPECT_EQ(bounds->dns, std::vector<std::string>{"www.example.com"});
  EXPECT_EQ(bounds->extensions.at("1.3.6.1.4.1.34380.1.1.13"), "web");
  EXPECT_EQ(bounds->key_sha256.substr(0, 4), "aabb");
  EXPECT_EQ(parse_token_bounds(to_json(*bounds)).value(), *bounds);
}

TEST(EnrolmentToken, AnOrderThatIsWrongIsRefusedByItsMember) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "JSON object"},
      {"{", "JSON object"},
      {"{}", "give 'certname'"},
      {R"({"certname":"a","certname_regex":"b"})", "give 'certname'"},
      {R"({"certname":"UPPER"})", "'certname'"},
      {R"({"certname":7})", "'certname' must be a string"},
      {R"({"certname_regex":"("})", "'certname_regex' is no expression"},
      {R"({"certname_regex":""})", "'certname_regex' must not be empty"},
      {R"({"certname":"a","dns":"b"})", "'dns' must be a list"},
      {R"({"certname":"a","dns":["b c"]})", "'dns' has 'b c'"},
      {R"({"certname":"a","ip":["10.1"]})", "'ip' has '10.1'"},
      {R"({"certname":"a","source":["10.0.0.1/8"]})", "'source' has '10.0.0.1/8'"},
      {R"({"certname":"a","source":[]})", "'source' is empty"},
      {R"({"certname":"a","extensions":{}})", "'extensions' is empty"},
      {R"({"certname":"a","extensions":["pp_role"]})", "'extensions' must be an object"},
      {R"({"certname":"a","extensions":{"rolle":"x"}})", "'extensions' has 'rolle'"},
      {R"({"certname":"a","key_sha256":"aa"})", "'key_sha256' must be 64 hex digits"},
      {R"({"certname":"a","colour":"red"})", "'colour' is not known"},
  };
  for (const auto& [json, why] : cases) {
    const auto bounds = parse_token_bounds(json);
    ASSERT_TRUE(bounds.has_error()) << json;
    EXPECT_EQ(bounds.error().code, Code::malformed);
    EXPECT_THAT(bounds.error().detail, HasSubstr(why));
  }
}

TEST(EnrolmentToken, ABoundHoldsForTheRequestOrSaysWhyNot) {
  Facts facts;
  facts.certname = "web-1";
  facts.names = {{"dns", "WEB-1"}, {"dns", "www.example.com"}, {"ip", "10.0.0.1"}};
  facts.extensions = {{"1.3.6.1.4.1.34380.1.1.13", false, "web"}};
  facts.source = "192.0.2.1";
  facts.key_sha256 = std::string(64, 'a');
  const std::string name = R"({"certname":"web-1")";
  const std::pair<std::string, const char*> cases[] = {
      {name + "}", ""},
      {R"({"certname_regex":"web-[0-9]"})", ""},
      {R"({"certname_regex":"web-[0-9]+x"})", "names that match"},
      {R"({"certname_regex":"eb-"})", "names that match"},
      {R"({"certname":"web-2"})", "another name"},
      {name + R"(,"dns":["www.example.com"]})", ""},
      {name + R"(,"dns":[]})", "SAN"},
      {name + R"(,"dns":["*.example.com"]})", "SAN"},
      {name + R"(,"ip":["10.0.0.0/8"]})", ""},
      {name + R"(,"ip":["10.0.0.2"]})", "SAN"},
      {name + R"(,"source":["192.0.2.0/24","10.0.0.0/8"]})", ""},
      {name + R"(,"source":["10.0.0.0/8"]})", "source"},
      {name + R"(,"extensions":{"pp_role":"web"}})", ""},
      {name + R"(,"extensions":{"pp_role":"db"}})", "pp_role = db"},
      {name + R"(,"extensions":{"pp_zone":"a"}})", "pp_zone = a"},
      {name + R"(,"key_sha256":")" + std::string(64, 'A') + "\"}", ""},
      {name + R"(,"key_sha256":")" + std::string(64, 'b') + "\"}", "another key"},
  };
  for (const auto& [json, why] : cases) {
    const std::string refused = refusal(parse_token_bounds(json).value(), facts);
    if (*why == '\0') {
      EXPECT_EQ(refused, "") << json;
    } else {
      EXPECT_THAT(refused, HasSubstr(why)) << json;
    }
  }
}

TEST(EnrolmentToken, ATokenThatListsNamesAllowsNoOtherTypeOfName) {
  Facts facts;
  facts.certname = "web-1";
  facts.names = {{"uri", "https://example.com"}};
  EXPECT_EQ(refusal(parse_token_bounds(R"({"certname":"web-1"})").value(), facts), "");
  EXPECT_NE(refusal(parse_token_bounds(R"({"certname":"web-1","dns":[]})").value(), facts), "");
}

}  // namespace
}  // namespace countersign::policy
