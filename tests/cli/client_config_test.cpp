#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/client.h"
#include "cli/queue.h"

namespace countersign::cli {
namespace {

using testing::HasSubstr;

TEST(ClientConfig, PathsStartAtItsOwnFolder) {
  const auto config = parse_client_config(
      "url = \"https://ca:8140/\"\nca = \"ca/chain.pem\"\ncert = \"op.pem\"\nkey = \"/k/op.key\"\n",
      "/etc/countersign/client.toml");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  EXPECT_EQ(config->url, "https://ca:8140");
  EXPECT_EQ(config->ca, "/etc/countersign/ca/chain.pem");
  EXPECT_EQ(config->cert, "/etc/countersign/op.pem");
  EXPECT_EQ(config->key, "/k/op.key");
  EXPECT_TRUE(config->token.empty());
}

TEST(ClientConfig, WhatIsWrongIsNamedWithItsPlace) {
  const struct {
    const char* toml;
    const char* said;
  } cases[] = {
      {"", "'url'"},
      {"url = \"http://ca\"\n", "client.toml:1:"},
      {"url = \"https://ca\"\ncert = \"a\"\n", "'cert' and 'key' go together"},
      {"url = \"https://ca\"\ntokn = \"a\"\n", "client.toml:2:"},
      {"url = 5\n", "client.toml:1:"},
  };
  for (const auto& [toml, said] : cases) {
    const auto config = parse_client_config(toml, "client.toml");
    ASSERT_TRUE(config.has_error()) << toml;
    EXPECT_THAT(config.error().detail, HasSubstr(said));
  }
}

TEST(Url, WhatIsNotUnreservedIsEncoded) {
  EXPECT_EQ(url_encoded("web-1.example.com_~"), "web-1.example.com_~");
  EXPECT_EQ(url_encoded("a b/c?d&e=%\n"), "a%20b%2Fc%3Fd%26e%3D%25%0A");
}

TEST(Member, EveryKindOfValueBecomesText) {
  const auto row = boost::json::parse(R"({"a":"x","b":null,"c":3,"d":["p","q"],"e":true})");
  EXPECT_EQ(member(row, "a"), "x");
  EXPECT_EQ(member(row, "b"), "");
  EXPECT_EQ(member(row, "c"), "3");
  EXPECT_EQ(member(row, "d"), "p,q");
  EXPECT_EQ(member(row, "e"), "true");
  EXPECT_EQ(member(row, "missing"), "");
}

}  // namespace
}  // namespace countersign::cli
