// decide() asks an index first and shortens its trace; explain() asks every rule. Both must say the
// same, whatever the rules and the request are.
#include <random>
#include <span>

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : generator_(seed) {}
  std::size_t under(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(generator_);
  }
  bool chance(std::size_t percent) { return under(100) < percent; }
  template <class List>
  std::string one_of(const List& list) {
    return std::string(list[under(std::size(list))]);
  }

 private:
  std::mt19937 generator_;
};

constexpr std::string_view kNames[] = {"web-1",       "web-12",         "web-1.example.com",
                                       "web",         "db.example.com", "a.lab.example.com",
                                       "lab",         "x.y.z.lab",      "web-1.lab.example.com",
                                       "example.com", "web_1",          "w"};
// Alternatives, anchors, empty branches, flags, counts, classes, literals with and without escapes.
constexpr std::string_view kExpressions[] = {
    "web-.*",        "web-1",          R"(web-1\.example\.com)",
    "web|db",        "(?i)WEB-1",      "^web-1$",
    R"(\Aweb-1\z)",  "web-1|web-1.*|", ".*",
    "(web-[0-9]+)?", "a|ab|abc",       R"(.*\.lab)",
    "[a-z.]+",       "w{1,3}eb",       "web-1?.*example.*",
    "(?:web){1,9}",  ".{1,200}",       R"(\Qweb-1\E)",
    "w.?e?b?.*",     "web-1\\z",       R"([^.]+\..+)",
    "(?s).*",        R"(\bweb-1\b)",   "web_1",
    ".*com$"};
constexpr std::string_view kEntries[] = {"web-1", "*.lab", "*.example.com", "*.lab.example.com",
                                         "lab",   "w",     "db.example.com"};
constexpr std::string_view kTemplates[] = {
    "{aws.instance_id}", "{aws.instance_id}.example.com", "{aws.instance_id}.lab",
    "{aws.instance_id}.{aws.region}.example.com", "web-{aws.image}"};
constexpr std::string_view kSources[] = {"10.0.0.0/8", "192.0.2.0/24"};
constexpr std::string_view kKeys[] = {"ec", "rsa", "ec:P-384"};

std::string list_of(Dice& dice, std::span<const std::string_view> items, char quote) {
  std::string text = "[";
  for (std::size_t i = dice.under(3) + 1; i-- > 0;) {
    text += quote + dice.one_of(items) + quote + (i > 0 ? ", " : "]");
  }
  return text;
}

std::string condition(Dice& dice) {
  switch (dice.under(9)) {
    case 0:
    case 1:
    case 2:
      return "certname_regex = " + list_of(dice, kExpressions, '\'') + "\n";
    case 3:
      return "certname = " + list_of(dice, kEntries, '"') + "\n";
    case 4:
      return "source = " + list_of(dice, kSources, '"') + "\n";
    case 6:
      return "certname = " + list_of(dice, kTemplates, '"') + "\n";
    case 7:
      return std::string("aws.region = ") + (dice.chance(50) ? "\"lab\"\n" : "\"*\"\n");
    case 5:
      return "key = " + list_of(dice, kKeys, '"') + "\n";
    default:
      return "san_dns = " + list_of(dice, kExpressions, '\'') + "\n";
  }
}

// May hold a key twice, or a rule that cannot be reached: then it is no policy, and another is
// made.
std::string rules_of(Dice& dice, std::size_t count) {
  static constexpr std::string_view kActions[] = {"sign", "queue", "deny"};
  static constexpr std::string_view kDefaults[] = {"sign", "queue", "deny"};
  std::string text = "default = \"" + dice.one_of(kDefaults) + "\"\n";
  for (std::size_t i = 0; i < count; ++i) {
    const std::string action = dice.one_of(kActions);
    text += "[[rule]]\nname = \"r" + std::to_string(i) + "\"\naction = \"" + action + "\"\n";
    if (dice.chance(30) && action != "deny") text += "strip = true\n";
    text += "[rule.match]\n" + condition(dice);
    // Unlike any other, so that no rule is found to be unreachable.
    text += "extensions = { \"1.2." + std::to_string(i) + "\" = true }\n";
    if (dice.chance(20)) text += "live_certificate = true\n";
    if (dice.chance(30) && action != "deny") text += "[rule.grant]\ndns = [\"*.example.com\"]\n";
  }
  return text;
}

Facts request(Dice& dice, std::size_t rules) {
  static constexpr std::string_view kAddresses[] = {"10.1.1.1", "192.0.2.7", "2001:db8::1", ""};
  static constexpr std::string_view kAlgorithms[] = {"ec", "rsa"};
  Facts facts;
  facts.certname = dice.one_of(kNames);
  facts.source = dice.one_of(kAddresses);
  facts.key_algorithm = dice.one_of(kAlgorithms);
  facts.key_bits = dice.chance(50) ? 256 : 4096;
  facts.has_live_certificate = dice.chance(50);
  for (std::size_t i = dice.under(3); i-- > 0;) {
    facts.names.push_back({"dns", dice.one_of(kNames)});
  }
  if (dice.chance(70)) {
    facts.identity.emplace();
    if (dice.chance(20)) facts.identity->problem = "it is old";
    const std::size_t dot = facts.certname.find('.');
    facts.identity->claims["aws.instance_id"] = facts.certname.substr(0, dot);
    facts.identity->claims["aws.region"] = dice.chance(70) ? "lab" : "a.b";
    facts.identity->claims["aws.image"] = "1";
  }
  for (std::size_t i = 0; i < rules; ++i) {
    if (dice.chance(60)) facts.extensions.push_back({"1.2." + std::to_string(i), false, "x"});
  }
  return facts;
}

// Does the short trace say of every rule what the whole one says?
void expect_same_trace(const std::vector<TraceStep>& whole,
                       const std::vector<TraceStep>& shortened) {
  std::size_t at = 0;
  for (const TraceStep& step : shortened) {
    ASSERT_LE(at + step.rules, whole.size());
    EXPECT_EQ(step.rule, whole[at].rule);
    if (step.rules > 1) {
      EXPECT_EQ(step.last_rule, whole[at + step.rules - 1].rule);
    } else {
      EXPECT_EQ(step.last_rule, "");
    }
    if (step.condition != "several") {
      EXPECT_EQ(step.detail, whole[at].detail);
      for (std::size_t i = at; i < at + step.rules; ++i) {
        EXPECT_EQ(step.condition, whole[i].condition);
        EXPECT_EQ(step.matched, whole[i].matched);
      }
    }
    at += step.rules;
  }
  EXPECT_EQ(at, whole.size());
}

TEST(Prefilter, DecidesAsEveryRuleAskedOneByOne) {
  Dice dice(20261125);
  std::size_t decided = 0;
  std::size_t signed_ = 0;
  for (int round = 0; round < 400; ++round) {
    const std::size_t count = dice.under(40) + 1;
    const std::string text = rules_of(dice, count);
    const auto rules = parse(text);
    ASSERT_TRUE(rules.has_value()) << rules.error().detail << "\n" << text;
    for (int i = 0; i < 20; ++i) {
      const Facts facts = request(dice, count);
      const Decision quick = (*rules)->decide(facts);
      const Decision plain = (*rules)->explain(facts).decision;
      EXPECT_EQ(quick.action, plain.action) << text << facts.certname;
      EXPECT_EQ(quick.rule, plain.rule) << text << facts.certname;
      EXPECT_EQ(quick.reason, plain.reason);
      EXPECT_EQ(quick.profile, plain.profile);
      EXPECT_EQ(quick.has_grant, plain.has_grant);
      EXPECT_EQ(names_of(quick), names_of(plain));
      EXPECT_EQ(quick.granted.extensions, plain.granted.extensions);
      expect_same_trace(plain.trace, quick.trace);
      if (!quick.rule.empty()) ++decided;
      if (quick.action == Action::sign) ++signed_;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(decided, 500U) << "the requests must fit the rules";
  EXPECT_GT(signed_, 500U);
}

// A list too long for the index, and expressions too large for the common automaton.
TEST(Prefilter, AsksTheRulesThatItLeavesOut) {
  std::string many = "certname = [";
  for (int i = 0; i < 100; ++i) many += "\"host-" + std::to_string(i) + "\", ";
  const auto rules = policy(signing(many + "\"*.lab\"]") +
                            "[[rule]]\nname = \"large\"\naction = \"deny\"\n"
                            "match = { certname_regex = '([a-z0-9]{1,60}\\.){3}x' }\n");
  EXPECT_EQ(rules->decide(facts("host-99")).rule, "it");
  EXPECT_EQ(rules->decide(facts("a.lab")).rule, "it");
  EXPECT_EQ(rules->decide(facts("a.b.c.x")).rule, "large");
  EXPECT_EQ(rules->decide(facts("a.b.x")).rule, "");
}

TEST(ShortTrace, RulesInARowThatFailAlikeAreOneStep) {
  std::string text;
  for (int i = 0; i < 998; ++i) {
    text += "[[rule]]\nname = \"r" + std::to_string(i) + "\"\naction = \"sign\"\n" +
            "match = { certname_regex = 'tier" + std::to_string(i) + "-.*' }\n";
  }
  text += "[[rule]]\nname = \"net\"\naction = \"sign\"\nmatch = { source = \"192.0.2.0/24\" }\n";
  text += "[[rule]]\nname = \"rest\"\naction = \"deny\"\nmatch = { any = true }\n";
  const auto rules = policy(text);
  const Decision decision = rules->decide(facts("other.example.com"));
  ASSERT_EQ(decision.trace.size(), 3U);
  EXPECT_EQ(decision.trace[0].rule, "r0");
  EXPECT_EQ(decision.trace[0].last_rule, "r997");
  EXPECT_EQ(decision.trace[0].rules, 998U);
  EXPECT_EQ(decision.trace[0].condition, "certname_regex");
  EXPECT_EQ(decision.trace[0].detail, "'other.example.com' does not match 'tier0-.*'");
  EXPECT_EQ(decision.trace[1].rule, "net");
  EXPECT_EQ(decision.trace[1].rules, 1U);
  EXPECT_TRUE(decision.trace[2].matched);
  EXPECT_EQ(rules->explain(facts("other.example.com")).decision.trace.size(), 1000U);
}

TEST(ShortTrace, IsBoundedWhateverTheRulesAndTheRequestAre) {
  for (const int count : {3, 12, 13, 40, 1000}) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      // As long as a name may be, of letters that JSON doubles, and no two alike in a row.
      const std::string number = std::to_string(i);
      text += "[[rule]]\nname = '" + std::string(128 - number.size(), '"') + number +
              "'\naction = \"sign\"\nmatch = { " +
              (i % 2 == 0 ? "certname_regex = '" : "san_uri = '") + std::string(300, '"') + number +
              "' }\n";
    }
    Facts request = facts(std::string(50, 'x'));
    request.names = {{"uri", std::string(500, '\x01')}};
    const Decision decision = policy(text)->decide(request);
    EXPECT_LE(trace_to_json(decision.trace).size(), kLongestTrace) << count;
    EXPECT_LE(trace_to_json(decision.trace).size(), trace_size(decision.trace)) << count;
    std::size_t rules = 0;
    for (const TraceStep& step : decision.trace) rules += step.rules;
    EXPECT_EQ(rules, static_cast<std::size_t>(count)) << "every rule is counted";
  }
}

TEST(ShortTrace, CountsWhatStandsBetweenTheFirstStepsAndTheLast) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "[[rule]]\nname = \"r" + std::to_string(i) + "\"\naction = \"sign\"\nmatch = { " +
            (i % 2 == 0 ? "certname_regex = 'a" : "san_uri = 'b") + std::to_string(i) + "' }\n";
  }
  const Decision decision = policy(text)->decide(facts());
  ASSERT_EQ(decision.trace.size(), 13U);
  const TraceStep& middle = decision.trace[6];
  EXPECT_EQ(middle.condition, "several");
  EXPECT_EQ(middle.rule, "r6");
  EXPECT_EQ(middle.last_rule, "r33");
  EXPECT_EQ(middle.rules, 28U);
  EXPECT_EQ(middle.detail, "certname_regex 14, san_uri 14");
  EXPECT_EQ(decision.trace[12].rule, "r39");
}

}  // namespace
}  // namespace countersign::policy
