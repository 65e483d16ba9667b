// [identity.NAME] of countersign.toml.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/service_config.h"

namespace countersign::cli {
namespace {

using ::testing::HasSubstr;
using Kind = ca::IdentitySettings::Kind;

Result<ServiceConfig> parse(const std::string& more) {
  return parse_service_config(
      "[listen]\naddress = \"127.0.0.1:8140\"\n[ca]\nhostnames = [\"ca.example.com\"]\n"
      "[store]\nurl = \"sqlite:countersign.db\"\n" +
          more,
      "/etc/countersign/countersign.toml");
}

TEST(ServiceConfigIdentity, EveryKindIsReadWithUsefulDefaults) {
  const auto config = parse(R"(
[identity.amazon]
provider = "aws"
certificates = "aws.pem"
max_age = "15m"
[identity.azure]
provider = "azure"
certificates = "/azure.pem"
[identity.google]
provider = "gcp"
audience = "https://ca"
[identity.cluster]
provider = "kubernetes"
issuer = "https://k8s"
audience = "https://ca"
jwks_file = "keys.json"
[identity.gitlab]
provider = "oidc"
issuer = "https://gitlab"
audience = "https://ca"
jwks_url = "https://gitlab/keys"
jwks_ca_file = "gitlab.pem"
max_lifetime = "1h"
)");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  const auto& list = config->authority.identities;
  ASSERT_EQ(list.size(), 5U);
  const auto& [amazon, azure, google, cluster, gitlab] =
      std::tie(list[0], list[1], list[2], list[3], list[4]);
  EXPECT_EQ(amazon.kind, Kind::aws);
  EXPECT_EQ(amazon.certificates, "/etc/countersign/aws.pem");
  EXPECT_EQ(amazon.max_age, std::chrono::minutes(15));
  EXPECT_EQ(azure.certificates, "/azure.pem");
  EXPECT_EQ(azure.host, "metadata.azure.com");
  EXPECT_EQ(azure.max_age, std::chrono::minutes(5));
  EXPECT_EQ(google.issuer, "https://accounts.google.com");
  EXPECT_EQ(google.jwks_url, "https://www.googleapis.com/oauth2/v3/certs");
  EXPECT_EQ(cluster.jwks_file, "/etc/countersign/keys.json");
  EXPECT_EQ(gitlab.jwks_ca_file, "/etc/countersign/gitlab.pem");
  EXPECT_EQ(gitlab.max_lifetime, std::chrono::hours(1));
}

TEST(ServiceConfigIdentity, WhatIsWrongIsSaid) {
  const std::string token =
      "provider = \"oidc\"\nissuer = \"https://i\"\naudience = \"https://ca\"\n";
  const struct {
    std::string table;
    const char* complaint;
  } cases[] = {
      {"provider = \"amazon\"\n", "'provider' must be \"aws\""},
      {"", "'provider' must be \"aws\""},
      {"provider = \"aws\"\n", "'certificates' is missing"},
      {"provider = \"aws\"\ncertificates = \"a\"\naudience = \"x\"\n", "audience"},
      {"provider = \"oidc\"\nissuer = \"https://i\"\njwks_file = \"f\"\n", "'audience' is missing"},
      {"provider = \"oidc\"\naudience = \"\"\njwks_file = \"f\"\n", "'audience' is missing"},
      {"provider = \"oidc\"\naudience = \"a\"\njwks_file = \"f\"\n", "'issuer' is missing"},
      {token, "give one of the two"},
      {token + "jwks_file = \"f\"\njwks_url = \"https://i/k\"\n", "give one of the two"},
      {token + "jwks_url = \"http://i/k\"\n", "must begin with https://"},
      {token + "jwks_url = \"https://i/k\"\njwk_url = \"x\"\n", "jwks_url"},
      {token + "jwks_file = \"f\"\nmax_age = \"0s\"\n", "'max_age' must be over 0"},
      {token + "jwks_file = \"f\"\nmax_lifetime = \"2y\"\n", "at most 1 year"},
  };
  for (const auto& [table, complaint] : cases) {
    const auto config = parse("[identity.it]\n" + table);
    ASSERT_FALSE(config.has_value()) << table;
    EXPECT_THAT(config.error().detail, HasSubstr(complaint)) << table;
  }
  const auto config = parse("[identity.\"A.b\"]\nprovider = \"aws\"\ncertificates = \"a\"\n");
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().detail, HasSubstr("a name is of a-z"));
}

}  // namespace
}  // namespace countersign::cli
