// Conditions on identity documents, and certnames that they give.
#include <gmock/gmock.h>

#include "policy/case_file.h"
#include "policy/diff.h"
#include "policy/name_template.h"
#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

using ::testing::HasSubstr;

constexpr const char* kName = R"(certname = "{aws.instance_id}.{aws.region}.compute.example.com")";

// An instance of AWS under its own name.
Facts instance(const std::string& id = "i-0abc", const std::string& region = "eu-west-1") {
  Facts made = facts(id + "." + region + ".compute.example.com");
  made.identity.emplace();
  made.identity->provider = "amazon";
  made.identity->claims = {
      {"aws.account", "123456789012"}, {"aws.instance_id", id}, {"aws.region", region}};
  return made;
}

// The detail of the first rule's step.
std::string why(const std::string& match, const Facts& request) {
  const Decision decision = policy(signing(match))->decide(request);
  return decision.action == Action::sign ? "signed" : decision.trace.at(0).detail;
}

TEST(Identity, ARuleGoesByWhatADocumentProves) {
  const Facts good = instance();
  Facts refused = instance();
  refused.identity->problem = "It expired at 2026-01-01T00:00:00Z.";
  Facts none = instance();
  none.identity.reset();
  const struct {
    const char* match;
    Facts request;
    const char* outcome;
  } cases[] = {
      {R"(identity = "required")", good, "signed"},
      {R"(identity = ["amazon", "other"])", good, "signed"},
      {R"(identity = "other")", good, "is one of 'amazon', not of 'other'"},
      {R"(identity = "required")", none, "no identity document was presented"},
      {R"(identity = "required")", refused, "the identity document is refused: It expired at"},
      {R"(aws.account = "123456789012")", good, "signed"},
      {R"(aws.account = ["1", "123456789012"], aws.region = "eu-west-1")", good, "signed"},
      {R"(aws.account = "12345678901")", good, "aws.account is '123456789012', not '12345678901'"},
      {R"(aws.account = ["1", "2"])", good, "not '1' or '2'"},
      {R"(aws.region = "eu-*")", good, "signed"},
      {R"(aws.region = "*")", good, "signed"},
      {R"(aws.region = "eu-west-11*")", good, "aws.region is 'eu-west-1'"},
      {R"(aws.image = "*")", good, "the document does not say aws.image"},
      {R"(aws.account = "123456789012")", none, "no identity document was presented"},
      {R"(aws.account = "123456789012")", refused, "is refused"},
      {R"(oidc.gitlab.ref = "main")", good, "does not say oidc.gitlab.ref"},
  };
  for (const auto& [match, request, outcome] : cases) {
    EXPECT_THAT(why(match, request), HasSubstr(outcome)) << match;
  }
}

TEST(Identity, ACertnameInBracesIsWhatTheDocumentGives) {
  EXPECT_EQ(why(kName, instance()), "signed");
  Facts other = instance("i-0abc");
  other.certname = "i-0abd.eu-west-1.compute.example.com";
  EXPECT_EQ(why(kName, other),
            "'i-0abd.eu-west-1.compute.example.com' is not the name "
            "'i-0abc.eu-west-1.compute.example.com' of its identity document");
  Facts none = instance();
  none.identity.reset();
  EXPECT_EQ(why(kName, none), "no identity document was presented");
  Facts refused = instance();
  refused.identity->problem = "It is of another issuer.";
  EXPECT_EQ(why(kName, refused), "the identity document is refused: It is of another issuer.");
}

TEST(Identity, AValueThatIsNoPartOfALabelGivesNoName) {
  for (const char* id : {"", ".", "i-0.eu-west-1.compute.example.com", "I-0ABC", "a b", "a@b",
                         "i-0abc.evil", "\xC3\xA4", "{aws.region}", "*"}) {
    Facts request = instance(id);
    EXPECT_NE(why(kName, request), "signed") << id;
  }
  EXPECT_NE(why(kName, instance(std::string(64, 'a'))), "signed");
  EXPECT_EQ(why(kName, instance(std::string(63, 'a'))), "signed");
  EXPECT_NE(why(R"(certname = "{aws.image}.example.com")", instance()), "signed") << "not said";
}

TEST(Identity, WhatIsWrongInARuleIsSaid) {
  const struct {
    const char* match;
    const char* complaint;
  } cases[] = {
      {R"(certname = "{aws.instance_id}-{aws.region}.x")", "two placeholders are in one label"},
      {R"(certname = "{aws.instanceid}.x")", "'aws.instanceid' is no claim"},
      {R"(certname = "{aws.instance_id.x")", "a '{' has no '}'"},
      {R"(certname = "{}.x")", "'' is no claim"},
      {R"(certname = "{aws.instance_id}.X")", "characters that no certname has"},
      {R"(certname = "*.{aws.instance_id}.x")", "characters that no certname has"},
      {R"(certname = ["{aws.instance_id}.x", "plain.x"])", "Write two rules"},
      {R"(certname = "{oidc.gitlab}.x")", "'oidc.gitlab' is no claim"},
      {R"(aws.acount = "1")", "account"},
      {R"(aws.account = [])", "an empty list"},
      {R"(aws = {})", "nothing in this table"},
      {R"(oidc.gitlab = {})", "nothing in this table"},
      {R"(aws.account = "12*34")", "is no value"},
      {R"(aws.account = "")", "is no value"},
      {R"(aws.account = 7)", "account"},
      {R"(identity = [])", "'identity' is \"required\""},
  };
  for (const auto& [match, complaint] : cases) {
    const auto parsed = parse(signing(match));
    ASSERT_FALSE(parsed.has_value()) << match;
    EXPECT_THAT(parsed.error().detail, HasSubstr(complaint)) << match;
  }
  EXPECT_TRUE(parse(signing(R"(certname = "ip-{aws.instance_id}.{oidc.git-lab.ref}.x")")));
}

TEST(Identity, OnlyADocumentThatGivesTheNameMayReplace) {
  EXPECT_FALSE(parse(signing(R"(aws.account = "1")", "reuse = \"replace\"\n")));
  EXPECT_TRUE(parse(signing(kName, "reuse = \"replace\"\n")));
}

TEST(Identity, ARuleThatAnEarlierOneTakesAllOfIsUnreachable) {
  const std::string first = R"([[rule]]
name = "a"
match = { aws.account = ["1", "2"] }
action = "deny"
)";
  const auto second = [](const char* match) {
    return std::string("[[rule]]\nname = \"b\"\nmatch = { ") + match + " }\naction = \"deny\"\n";
  };
  const auto covered = parse(first + second(R"(aws.account = "1", source = "10.0.0.0/8")"));
  ASSERT_FALSE(covered.has_value());
  EXPECT_THAT(covered.error().detail, HasSubstr("can never be reached"));
  EXPECT_TRUE(parse(first + second(R"(aws.account = "3")")));
  EXPECT_TRUE(parse(first + second(R"(aws.region = "1")")));
}

TEST(Identity, ADiffNamesTheClaim) {
  const auto was = policy(signing(R"(aws.account = "1")"));
  const auto now = policy(signing(R"(aws.account = ["1", "2"], aws.region = "eu-west-1")"));
  const PolicyDiff changes = diff(*was, *now);
  ASSERT_EQ(changes.rules.size(), 1U);
  ASSERT_EQ(changes.rules[0].keys.size(), 2U);
  EXPECT_EQ(changes.rules[0].keys[0].key, "match.aws.account");
  EXPECT_EQ(changes.rules[0].keys[0].now, "1, 2");
  EXPECT_EQ(changes.rules[0].keys[1].key, "match.aws.region");
}

TEST(Identity, TheNearestRuleSaysWhatTheDocumentWouldHaveToProve) {
  const auto rules = policy(signing(R"(aws.account = "1")"));
  const auto nearest = rules->explain(instance()).nearest;
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->advice,
            "To be signed by 'it': an identity document that proves aws.account = '1' must come "
            "with the request; aws.account is '123456789012', not '1'.");
}

TEST(Identity, ACaseSaysWhatADocumentProves) {
  const auto file = parse_cases(
      "[[case]]\nname = \"it\"\ncertname = \"web-1\"\nexpect = { action = \"sign\" }\n"
      "identity = { name = \"amazon\", aws.account = \"1\", oidc.gitlab.ref = \"main\" }\n",
      "/t/cases.toml");
  ASSERT_TRUE(file.has_value()) << file.error().detail;
  const auto& identity = file->cases[0].facts.identity;
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->provider, "amazon");
  EXPECT_EQ(identity->claims.at("aws.account"), "1");
  EXPECT_EQ(identity->claims.at("oidc.gitlab.ref"), "main");
  EXPECT_FALSE(
      parse_cases("[[case]]\nname = \"it\"\ncertname = \"web-1\"\nexpect = { action = "
                  "\"sign\" }\nidentity = { aws.account = [\"1\", \"2\"] }\n",
                  "/t/cases.toml"));
}

}  // namespace
}  // namespace countersign::policy
