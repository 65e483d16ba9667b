// [admins], [operators], [auditors], [[person]], and the guard of [policy].
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/service_config.h"

namespace countersign::cli {
namespace {

using ca::Role;
using testing::HasSubstr;

Result<ServiceConfig> parse(const std::string& more) {
  return parse_service_config(
      "[listen]\naddress = \"127.0.0.1:8140\"\n[ca]\nhostnames = [\"ca.example.com\"]\n[store]\n"
      "url = \"sqlite:countersign.db\"\n" +
          more,
      "/etc/countersign/countersign.toml");
}

TEST(PeopleConfig, ListsAndPersonsGiveRoles) {
  const auto config = parse(R"(
[admins]
certnames = ["anna"]
[operators]
certnames = ["otto"]
[auditors]
certnames = ["paula"]
[[person]]
certname = "ci-team"
role = "operator"
only = { certname = ["ci-*", "/build[0-9]+/"], rule = "ci machines" }
[[person]]
certname = "robot"
role = "pipeline"
)");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  const auto& authority = config->authority;
  EXPECT_EQ(authority.operators, std::vector<std::string>{"otto"});
  ASSERT_EQ(authority.standings.size(), 4U);
  EXPECT_EQ(authority.standings.at("anna").role, Role::admin);
  EXPECT_EQ(authority.standings.at("paula").role, Role::auditor);
  EXPECT_EQ(authority.standings.at("robot").role, Role::pipeline);
  EXPECT_FALSE(authority.standings.at("robot").scope);
  const auto& team = authority.standings.at("ci-team");
  EXPECT_EQ(team.role, Role::operator_);
  ASSERT_TRUE(team.scope);
  EXPECT_EQ(team.scope->terms().rules, std::vector<std::string>{"ci machines"});
  EXPECT_TRUE(team.scope->holds("build7"));
}

TEST(PeopleConfig, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"[admins]\ncertnames = [\"a\"]\n[operators]\ncertnames = [\"a\"]\n", "a role already"},
      {"[admins]\ncertnames = [\"a\", \"a\"]\n", "a role already"},
      {"[[person]]\nrole = \"operator\"\n", "'certname' says whose"},
      {"[[person]]\ncertname = \"a\"\n", "'role' is"},
      {"[[person]]\ncertname = \"a\"\nrole = \"agent\"\n", "'role' is"},
      {"[[person]]\ncertname = \"a\"\nrole = \"operator\"\nonly = {}\n",
       "names certnames or rules"},
      {"[[person]]\ncertname = \"a\"\nrole = \"operator\"\nonly = { certname = \"CI\" }\n",
       "'CI' is wrong"},
      {"[[person]]\ncertname = \"a\"\nrole = \"admin\"\nonly = { certname = \"ci\" }\n",
       "never narrowed"},
      {"[[person]]\ncertname = \"a\"\nrole = \"operator\"\nonly = { certnames = \"ci\" }\n",
       "certnames"},
      {"[policy]\nfile = \"p\"\nrefuse_change_over = \"100%\"\n", "refuse_change_over"},
      {"[policy]\nfile = \"p\"\nrefuse_change_over = \"20 %\"\n", "refuse_change_over"},
  };
  for (const auto& [text, said] : cases) {
    const auto config = parse(text);
    ASSERT_TRUE(config.has_error()) << text;
    EXPECT_THAT(config.error().detail, HasSubstr(said)) << text;
  }
  EXPECT_EQ(parse("[policy]\nfile = \"p\"\nrefuse_change_over = \"0%\"\n")
                ->authority.policy_guard_percent,
            0);
}

}  // namespace
}  // namespace countersign::cli
