// What a rule says of names that are in use, and how many certificates it signs in a time.
#include <algorithm>

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

constexpr const char* kToken = "token = \"required\"";

Facts with_token(Facts facts = policy::facts()) {
  facts.token = PresentedToken{.id = "T1", .problem = "", .profile = ""};
  return facts;
}

std::string error_of(const std::string& toml) {
  const auto parsed = parse(toml);
  return parsed.has_error() ? parsed.error().detail : "";
}

TEST(Reuse, IsOfTheRuleThatDecidesAndRefusesUnlessItSaysOtherwise) {
  const std::pair<const char*, Reuse> cases[] = {
      {"", Reuse::refuse},
      {"reuse = \"refuse\"", Reuse::refuse},
      {"reuse = \"queue\"", Reuse::queue},
      {"reuse = \"same_key\"", Reuse::same_key},
      {"reuse = \"replace\"", Reuse::replace},
  };
  for (const auto& [line, reuse] : cases) {
    const auto rules = policy(signing(kToken, line));
    EXPECT_EQ(rules->decide(with_token()).reuse, reuse) << line;
    EXPECT_EQ(rules->decide(facts()).reuse, Reuse::refuse) << "no rule matched";
    EXPECT_EQ(rules->reuses_names(), reuse != Reuse::refuse) << line;
  }
  EXPECT_FALSE(RuleSet::empty(Action::sign)->reuses_names());
}

TEST(Reuse, WhoReplacesACertificateMustShowMoreThanTheName) {
  for (const char* proof : {kToken, "challenge_password = \"correct-horse\""}) {
    EXPECT_EQ(error_of(signing(proof, "reuse = \"replace\"")), "");
  }
  for (const char* match : {"any = true", "certname = \"a\"", "source = \"10.0.0.0/8\"",
                            "extensions = { pp_role = \"web\" }", "live_certificate = true"}) {
    const std::string error = error_of(signing(match, "reuse = \"replace\""));
    EXPECT_NE(error.find("5:9: whoever reaches the port could take a name"), std::string::npos)
        << match << error;
    for (const char* harmless : {"queue", "same_key", "refuse"}) {
      EXPECT_EQ(error_of(signing(match, "reuse = \"" + std::string(harmless) + "\"")), "");
    }
  }
}

TEST(Reuse, AWordThatIsNotKnownOrMakesNoSenseIsComplainedOf) {
  const auto rule = [](const char* action, const char* reuse) {
    return "[[rule]]\nname = \"it\"\nmatch = { token = \"required\" }\naction = \"" +
           std::string(action) + "\"\n" + reuse;
  };
  const std::pair<std::string, const char*> cases[] = {
      {rule("sign", "reuse = \"replac\""), "5:9: 'reuse' must be \"refuse\", \"queue\""},
      {rule("sign", "reuse = true"), "5:9: 'reuse' must be a text in quotes."},
      {rule("sign", "reuze = \"queue\""), "5:1: unknown key 'reuze'. Did you mean 'reuse'?"},
      {rule("deny", "reuse = \"queue\""), "5:9: a rule that denies gives nobody a name."},
      {rule("queue", "reuse = \"replace\""), "5:9: a rule that queues replaces nothing"},
  };
  for (const auto& [toml, message] : cases) {
    EXPECT_NE(error_of(toml).find(message), std::string::npos) << toml << "\n" << error_of(toml);
  }
  EXPECT_EQ(error_of(rule("queue", "reuse = \"queue\"")), "");
  EXPECT_EQ(error_of(rule("queue", "reuse = \"same_key\"")), "");
}

TEST(Limit, RatesAreACountAndAUnit) {
  const std::pair<const char*, std::pair<std::int64_t, int>> good[] = {
      {"1/s", {1, 1}}, {"10/m", {10, 60}}, {"100/h", {100, 3600}}, {"1000000/d", {1000000, 86400}}};
  for (const auto& [text, wanted] : good) {
    const auto rate = parse_rate(text);
    ASSERT_TRUE(rate) << text;
    EXPECT_EQ(rate->most, wanted.first) << text;
    EXPECT_EQ(rate->period, std::chrono::seconds(wanted.second)) << text;
  }
  for (const char* text :
       {"", "/", "/h", "10", "10/", "10/hour", "10/w", "0/h", "-1/h", "+1/h", "1000001/h",
        "99999999999999999999/h", "1.5/h", "10 /h", "10/ h", "10/h ", "x/h"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

TEST(Limit, EachCountsForItself) {
  const auto rules = policy(
      signing("any = true", "limit = { source = \"10/m\", rule = \"100/h\", name = \"3/d\" }"));
  const auto keys = [&](const std::string& certname, const std::string& source) {
    Facts asked = facts(certname);
    asked.source = source;
    std::vector<std::string> list;
    for (const Limit& limit : rules->decide(asked).limits) list.push_back(limit.key);
    return list;
  };
  const Decision decision = rules->decide(facts());
  ASSERT_EQ(decision.limits.size(), 3U);
  EXPECT_EQ(decision.limits[0].text, "rule = 100/h");
  EXPECT_EQ(decision.limits[1].text, "name = 3/d");
  EXPECT_EQ(decision.limits[2].text, "source = 10/m");
  const auto one = keys("a", "10.0.0.1");
  const auto other = keys("b", "10.0.0.2");
  EXPECT_EQ(one[0], other[0]) << "the rule's is one for all";
  EXPECT_NE(one[1], other[1]);
  EXPECT_NE(one[2], other[2]);
  EXPECT_EQ(one[1], keys("a", "10.0.0.2")[1]);
  // Sources: IPv4 in either form, and the network of IPv6.
  EXPECT_EQ(one[2], keys("b", "::ffff:10.0.0.1")[2]);
  EXPECT_EQ(keys("a", "2001:db8:0:1::1")[2], keys("a", "2001:db8:0:1:ffff::2")[2]);
  EXPECT_NE(keys("a", "2001:db8:0:1::1")[2], keys("a", "2001:db8:0:2::1")[2]);
  EXPECT_NE(keys("a", "")[2], one[2]);
}

TEST(Limit, OneThatMakesNoSenseIsComplainedOf) {
  const auto rule = [](const char* limit, const char* action = "sign") {
    return "[[rule]]\nname = \"it\"\nmatch = { any = true }\naction = \"" + std::string(action) +
           "\"\nlimit = " + limit;
  };
  const std::pair<std::string, const char*> cases[] = {
      {rule("\"100/h\""), "5:9: 'limit' must be a table."},
      {rule("{ }"), "5:9: 'limit' is empty."},
      {rule("{ rule = 100 }"), "5:18: 'rule' must be a text in quotes."},
      {rule("{ rule = \"100\" }"), "5:18: 'rule' must be a rate such as \"100/h\""},
      {rule("{ names = \"1/h\" }"), "5:11: unknown key 'names'. Did you mean 'name'?"},
      {rule("{ rule = \"1/h\" }", "queue"), "5:9: only a rule that signs has limits."},
      {rule("{ rule = \"1/h\" }", "deny"), "5:9: only a rule that signs has limits."},
  };
  for (const auto& [toml, message] : cases) {
    EXPECT_NE(error_of(toml).find(message), std::string::npos) << toml << "\n" << error_of(toml);
  }
}

}  // namespace
}  // namespace countersign::policy
