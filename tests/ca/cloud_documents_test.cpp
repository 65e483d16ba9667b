// What the documents of each cloud say, and each reason why one is not read. The signatures around
// them are tested in x509/signed_data and json_web_token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/aws_identity.h"
#include "ca/azure_attested_data.h"
#include "ca/token_identity.h"
#include "policy/identity_claims.h"
#include "tests/ca/token_maker.h"
#include "tests/x509/maker.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

const Timestamp kNow = x509::testing::at("2026-06-01T12:00:00Z");

json::object aws_document() {
  return {{"accountId", "123456789012"},      {"architecture", "x86_64"},
          {"availabilityZone", "eu-west-1b"}, {"billingProducts", nullptr},
          {"imageId", "ami-5fb8c835"},        {"instanceId", "i-0123456789abcdef0"},
          {"instanceType", "t2.micro"},       {"pendingTime", "2026-06-01T11:59:00Z"},
          {"privateIp", "10.158.112.84"},     {"region", "eu-west-1"},
          {"version", "2017-09-30"}};
}

json::object azure_document() {
  return {{"nonce", "20201130-211924"},
          {"sku", "22_04-lts"},
          {"subscriptionId", "8d10da13-8125"},
          {"vmId", "02aab8a4-74ef"},
          {"timeStamp",
           {{"createdOn", "06/01/26 11:59:00 -0000"}, {"expiresOn", "06/01/26 17:59:00 -0000"}}}};
}

JsonWebToken token_with(json::object content) {
  static const IssuerKey key = IssuerKey::make("k", "ES256");
  json::object all = claims(kNow);
  for (auto& member : content) all[member.key()] = member.value();
  return JsonWebToken::parse(token(all, key)).value();
}

json::object google() {
  return {{"email", "web@p.iam.gserviceaccount.com"},
          {"email_verified", true},
          {"google",
           {{"compute_engine",
             {{"project_id", "p"},
              {"project_number", 739419398126},
              {"zone", "us-west1-a"},
              {"instance_id", "152986662232938449"},
              {"instance_name", "web-7"}}}}}};
}

json::object kubernetes() {
  return {{"sub", "system:serviceaccount:default:web"},
          {"kubernetes.io",
           {{"namespace", "default"},
            {"node", {{"name", "worker"}, {"uid", "5"}}},
            {"pod", {{"name", "shell"}, {"uid", "0d8b"}}},
            {"serviceaccount", {{"name", "web"}, {"uid", "e6"}}},
            {"warnafter", 1717674962}}}};
}

void expect_known(const Identity& identity) {
  for (const auto& [name, value] : identity.claims) {
    EXPECT_TRUE(policy::is_claim(name)) << "no rule can name " << name;
  }
}

TEST(AwsDocument, SaysWhichInstanceItIs) {
  const auto identity = read_aws_document(json::serialize(aws_document()));
  ASSERT_TRUE(identity.has_value()) << identity.error().detail;
  EXPECT_EQ(identity->kind, "aws");
  EXPECT_EQ(identity->subject, "123456789012/eu-west-1/i-0123456789abcdef0");
  EXPECT_EQ(identity->issued_at, x509::testing::at("2026-06-01T11:59:00Z"));
  EXPECT_EQ(identity->claims.at("aws.image"), "ami-5fb8c835");
  EXPECT_EQ(identity->claims.size(), 8U);
  expect_known(*identity);
}

TEST(AwsDocument, ThatIsNotWholeIsRefused) {
  const struct {
    const char* member;
    json::value value;
    const char* reason;
  } cases[] = {
      {"accountId", nullptr, "does not say aws.account"},
      {"accountId", "12345678901", "twelve digits"},
      {"accountId", "12345678901x", "twelve digits"},
      {"accountId", json::array{"123456789012"}, "no text"},
      {"region", "", "does not say aws.region"},
      {"instanceId", nullptr, "does not say aws.instance_id"},
      {"instanceId", "i\n1", "no short text"},
      {"instanceId", json::string(257, 'a'), "no short text"},
      {"pendingTime", nullptr, "when the instance was launched"},
      {"pendingTime", "yesterday", "when the instance was launched"},
  };
  for (const auto& [member, value, reason] : cases) {
    json::object document = aws_document();
    document[member] = value;
    const auto identity = read_aws_document(json::serialize(document));
    ASSERT_FALSE(identity.has_value()) << member;
    EXPECT_THAT(identity.error().detail, HasSubstr(reason)) << member;
  }
  for (const char* text : {"", "[]", "{", R"({"region":"a","region":"b"})"}) {
    EXPECT_FALSE(read_aws_document(text).has_value()) << text;
  }
}

TEST(AzureDocument, SaysWhichMachineItIsUntilItExpires) {
  const std::string text = json::serialize(azure_document());
  const auto identity = read_azure_document(text, kNow);
  ASSERT_TRUE(identity.has_value()) << identity.error().detail;
  EXPECT_EQ(identity->subject, "8d10da13-8125/02aab8a4-74ef");
  EXPECT_EQ(identity->issued_at, x509::testing::at("2026-06-01T11:59:00Z"));
  expect_known(*identity);
  const auto late = read_azure_document(text, x509::testing::at("2026-06-01T17:59:00Z"));
  ASSERT_FALSE(late.has_value());
  EXPECT_THAT(late.error().detail, HasSubstr("It expired at 2026-06-01T17:59:00Z"));
  json::object timeless = azure_document();
  timeless["timeStamp"] = json::object{{"createdOn", "06/01/26 11:59:00 -0000"}};
  EXPECT_FALSE(read_azure_document(json::serialize(timeless), kNow).has_value());
}

TEST(AzureTime, IsReadInItsOneForm) {
  EXPECT_EQ(parse_azure_time("11/28/18 00:16:17 -0000"), x509::testing::at("2018-11-28T00:16:17Z"));
  for (const char* bad :
       {"", "11/28/18 00:16:17", "28/11/18 00:16:17 -0000", "11/28/2018 00:16:17 -0000",
        "11/28/18 00:16:17 +0100", "11/28/18 24:16:17 -0000", "1a/28/18 00:16:17 -0000"}) {
    EXPECT_FALSE(parse_azure_time(bad)) << bad;
  }
}

TEST(GoogleToken, SaysWhichInstanceItIs) {
  const auto identity = read_gcp_claims(token_with(google()));
  ASSERT_TRUE(identity.has_value()) << identity.error().detail;
  EXPECT_EQ(identity->subject, "p/us-west1-a/152986662232938449");
  EXPECT_EQ(identity->claims.at("gcp.project_number"), "739419398126");
  EXPECT_EQ(identity->claims.at("gcp.service_account"), "web@p.iam.gserviceaccount.com");
  expect_known(*identity);
  json::object unverified = google();
  unverified["email_verified"] = "true";
  EXPECT_FALSE(read_gcp_claims(token_with(unverified))->claims.contains("gcp.service_account"));
  const auto plain = read_gcp_claims(token_with({{"email", "x"}}));
  ASSERT_FALSE(plain.has_value());
  EXPECT_THAT(plain.error().detail, HasSubstr("format=full"));
}

TEST(KubernetesToken, SaysWhichPodOrElseWhichServiceAccountItIs) {
  const auto pod = read_kubernetes_claims(token_with(kubernetes()));
  ASSERT_TRUE(pod.has_value()) << pod.error().detail;
  EXPECT_EQ(pod->subject, "https://issuer.example.com default:web/shell/0d8b");
  EXPECT_EQ(pod->claims.at("k8s.node"), "worker");
  expect_known(*pod);
  json::object without = kubernetes();
  without["kubernetes.io"].as_object().erase("pod");
  EXPECT_EQ(read_kubernetes_claims(token_with(without))->subject,
            "https://issuer.example.com default:web");
  for (const char* half : {"name", "uid"}) {
    json::object halved = kubernetes();
    halved["kubernetes.io"].as_object()["pod"].as_object().erase(half);
    EXPECT_FALSE(read_kubernetes_claims(token_with(halved)).has_value()) << half;
  }
  json::object other = kubernetes();
  other["sub"] = "system:serviceaccount:kube-system:admin";
  EXPECT_FALSE(read_kubernetes_claims(token_with(other)).has_value());
  EXPECT_FALSE(read_kubernetes_claims(token_with(google())).has_value());
}

TEST(OidcToken, GivesEveryPlainClaim) {
  const auto identity = read_oidc_claims(
      token_with({{"ref", "main"}, {"n", 7}, {"protected", true}, {"list", json::array{"a"}}}),
      "gitlab");
  ASSERT_TRUE(identity.has_value()) << identity.error().detail;
  EXPECT_EQ(identity->subject, "https://issuer.example.com machine-1");
  EXPECT_EQ(identity->claims.at("oidc.gitlab.ref"), "main");
  EXPECT_EQ(identity->claims.at("oidc.gitlab.n"), "7");
  EXPECT_EQ(identity->claims.at("oidc.gitlab.protected"), "true");
  EXPECT_FALSE(identity->claims.contains("oidc.gitlab.list"));
  EXPECT_FALSE(read_oidc_claims(token_with({{"sub", ""}}), "gitlab").has_value());
  EXPECT_FALSE(read_oidc_claims(token_with({{"sub", 7}}), "gitlab").has_value());
}

}  // namespace
}  // namespace countersign::ca
