// `ask`: a rule that signs only if a decider outside agrees.
#include "policy/diff.h"
#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

Result<std::shared_ptr<const RuleSet>> parse_with(const std::string& toml,
                                                  std::vector<std::string> deciders) {
  LoadContext context;
  context.deciders = std::move(deciders);
  return RuleSet::parse(toml, "p.toml", context);
}

TEST(Ask, IsPartOfTheDecisionOfARuleThatSigns) {
  const auto rules = parse_with(signing("any = true", "ask = \"inventory\""), {"inventory"});
  ASSERT_TRUE(rules.has_value()) << rules.error().detail;
  const Decision decision = (*rules)->decide(facts());
  EXPECT_EQ(decision.action, Action::sign);
  EXPECT_EQ(decision.ask, "inventory");
  EXPECT_EQ((*rules)->explain(facts()).decision.ask, "inventory");
  EXPECT_EQ(policy(signing("any = true"))->decide(facts()).ask, "");
}

TEST(Ask, NamesADeciderThatExists) {
  struct Case {
    std::string more;
    std::vector<std::string> deciders;
    std::string complaint;
  };
  const std::string queue = "[[rule]]\nname = \"q\"\nmatch = { any = true }\naction = \"queue\"\n";
  for (const Case& one :
       std::vector<Case>{{signing("any = true", "ask = \"x\""), {"a", "b"}, "Known are: a, b."},
                         {signing("any = true", "ask = \"x\""), {}, "Add a table [decider.NAME]"},
                         {signing("any = true", "ask = \"\""), {"a"}, "there is no decider ''"},
                         {queue + "ask = \"a\"", {"a"}, "only a rule that signs asks a decider"}}) {
    const auto rules = parse_with(one.more, one.deciders);
    ASSERT_TRUE(rules.has_error()) << one.more;
    EXPECT_NE(rules.error().detail.find("p.toml:5:7: "), std::string::npos) << rules.error().detail;
    EXPECT_NE(rules.error().detail.find(one.complaint), std::string::npos) << rules.error().detail;
  }
}

TEST(Ask, AnyNamePassesWhereThereIsNoServiceConfiguration) {
  LoadContext context;
  context.any_profile = true;
  EXPECT_TRUE(RuleSet::parse(signing("any = true", "ask = \"x\""), "p.toml", context));
}

TEST(Ask, IsAChangeThatDiffShows) {
  const auto was = parse_with(signing("any = true"), {"a"});
  const auto now = parse_with(signing("any = true", "ask = \"a\""), {"a"});
  const PolicyDiff found = diff(**was, **now);
  ASSERT_EQ(found.rules.size(), 1U);
  ASSERT_EQ(found.rules[0].keys.size(), 1U);
  EXPECT_EQ(found.rules[0].keys[0].key, "ask");
  EXPECT_EQ(found.rules[0].keys[0].now, "a");
}

}  // namespace
}  // namespace countersign::policy
