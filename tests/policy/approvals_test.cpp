#include <gtest/gtest.h>

#include "policy/rule_set.h"

namespace countersign::policy {
namespace {

LoadContext context() {
  LoadContext context;
  context.profiles = {"agent"};
  return context;
}

std::string rule(const std::string& keys) {
  return "[[rule]]\nname = \"r\"\nmatch = { any = true }\n" + keys;
}

TEST(ApprovalsTest, ARuleWhoseRequestsWaitSaysHowManyPeopleApprove) {
  const struct {
    std::string toml;
    std::int64_t approvals;
  } cases[] = {
      {"", 1},
      {"approvals = 2\n", 2},
      {"approvals = 2\n" + rule("action = \"queue\"\n"), 1},
      {rule("action = \"queue\"\napprovals = 9\n"), 9},
      {rule("action = \"sign\"\nreuse = \"queue\"\napprovals = 3\n"), 3},
      {rule("action = \"sign\"\nlimit = { rule = \"1/h\" }\napprovals = 3\n"), 3},
  };
  for (const auto& one : cases) {
    const auto rules = RuleSet::parse(one.toml, "policy.toml", context());
    ASSERT_TRUE(rules) << one.toml << rules.error().detail;
    Facts facts;
    facts.certname = "db-1";
    EXPECT_EQ((*rules)->decide(facts).approvals, one.approvals) << one.toml;
  }
}

TEST(ApprovalsTest, WhereNothingWaitsForPeopleTheKeyIsRefused) {
  for (const std::string& toml :
       {rule("action = \"sign\"\napprovals = 2\n"), rule("action = \"deny\"\napprovals = 2\n"),
        std::string("default = \"sign\"\napprovals = 2\n"),
        rule("action = \"queue\"\napprovals = 0\n"), rule("action = \"queue\"\napprovals = 10\n"),
        rule("action = \"queue\"\napprovals = \"two\"\n")}) {
    const auto rules = RuleSet::parse(toml, "policy.toml", context());
    ASSERT_TRUE(rules.has_error()) << toml;
    EXPECT_NE(rules.error().detail.find("approvals"), std::string::npos) << rules.error().detail;
  }
}

TEST(ApprovalsTest, TheMostThatThePolicyAsksForIsKnown) {
  const auto rules = RuleSet::parse("approvals = 2\n" + rule("action = \"queue\"\napprovals = 4\n"),
                                    "policy.toml", context());
  EXPECT_EQ((*rules)->most_approvals(), 4);
  EXPECT_EQ(RuleSet::empty(Action::queue)->most_approvals(), 1);
}

}  // namespace
}  // namespace countersign::policy
