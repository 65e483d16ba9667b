// What differs between two policies.
#include "policy/diff.h"

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

std::string rule(const std::string& name, const std::string& match,
                 const std::string& more = "action = \"sign\"\n") {
  return "[[rule]]\nname = \"" + name + "\"\nmatch = { " + match + " }\n" + more;
}

std::string named(char name) {
  return rule(std::string(1, name), "certname = \"" + std::string(1, name) + "\"");
}

// "moved b 2 1; changed a 1 1 [match.source: x -> y]".
std::string text_of(const PolicyDiff& found) {
  static constexpr const char* kKinds[] = {"added", "removed", "changed", "moved"};
  std::string text;
  const auto keys = [&](const std::vector<KeyChange>& changes) {
    for (const KeyChange& key : changes) {
      text += " [" + key.key + ": " + key.was + " -> " + key.now + "]";
    }
  };
  keys(found.defaults);
  for (const RuleChange& change : found.rules) {
    text += (text.empty() ? "" : "; ") + std::string(kKinds[static_cast<int>(change.kind)]) + " " +
            change.rule + " " + std::to_string(change.was) + " " + std::to_string(change.now);
    keys(change.keys);
  }
  return text;
}

std::string diff_of(const std::string& was, const std::string& now) {
  return text_of(diff(*policy(was), *policy(now)));
}

TEST(PolicyDiff, OfAPolicyAndItselfIsNothing) {
  const std::string text = named('a') + named('b') + "default = \"queue\"";
  EXPECT_TRUE(diff(*policy(named('a')), *policy(named('a'))).same()) << text;
}

TEST(PolicyDiff, NamesWhatIsAddedRemovedAndMoved) {
  EXPECT_EQ(diff_of(named('a'), named('a') + named('b')), "added b 0 2");
  EXPECT_EQ(diff_of(named('a') + named('b'), named('b')), "removed a 1 0");
  EXPECT_EQ(diff_of(named('a') + named('b') + named('c') + named('d'),
                    named('d') + named('a') + named('b') + named('c')),
            "moved d 4 1")
      << "the fewest moves: the other three kept their order";
  EXPECT_EQ(diff_of(named('a') + named('b'), named('x') + named('a') + named('b')), "added x 0 1")
      << "who only made room did not move";
  EXPECT_EQ(diff_of("default = \"queue\"", "default = \"deny\""), " [default: queue -> deny]");
}

TEST(PolicyDiff, NamesTheKeysOfARuleThatChanged) {
  EXPECT_EQ(diff_of(rule("r", "source = \"10.0.0.0/8\""),
                    rule("r", "source = [\"10.0.0.0/8\", \"192.0.2.0/24\"]")),
            "changed r 1 1 [match.source: 10.0.0.0/8 -> 10.0.0.0/8, 192.0.2.0/24]");
  EXPECT_EQ(diff_of(rule("r", "any = true"),
                    rule("r", "any = true", "action = \"deny\"\nreason = \"no\"\n")),
            "changed r 1 1 [action: sign -> deny] [reason:  -> no]");
  EXPECT_EQ(
      diff_of(rule("r", "extensions = { pp_role = \"web\" }"),
              rule("r", "extensions = { pp_role = true, pp_zone = \"a\" }")),
      "changed r 1 1 [match.extensions.pp_role: web -> true] [match.extensions.pp_zone:  -> a]");
  EXPECT_EQ(diff_of(rule("r", "any = true"),
                    rule("r", "any = true", "action = \"sign\"\n[rule.grant]\ndns = [\"www\"]\n")),
            "changed r 1 1 [grant:  -> dns www]");
  EXPECT_EQ(diff_of(rule("r", "certname = [\"a\", \"b\"]"), rule("r", "certname = [\"b\", \"a\"]")),
            "")
      << "the order within a list says nothing";
}

TEST(PolicyDiff, ListsThatHoldOtherNamesDiffer) {
  MemoryFiles before;
  MemoryFiles after;
  before.contents["/etc/cs/list"] = "a\nb\n";
  after.contents["/etc/cs/list"] = "a\nc\n";
  const std::string text = rule("r", "certname_file = \"list\"");
  const PolicyDiff found = diff(*policy(text, before), *policy(text, after));
  ASSERT_EQ(found.rules.size(), 1U);
  ASSERT_EQ(found.rules[0].keys.size(), 1U);
  EXPECT_EQ(found.rules[0].keys[0].key, "match.certname (entries)");
  EXPECT_EQ(found.rules[0].keys[0].was.find("2 entries"), 0U);
  EXPECT_TRUE(diff(*policy(text, before), *policy(text, before)).same());
}

TEST(PolicyDiff, NeverHoldsAPassword) {
  EXPECT_EQ(diff_of(rule("r", "challenge_password = \"correct-horse\""),
                    rule("r", "challenge_password = \"battery-staple\"")),
            "changed r 1 1 [match.challenge_password: (secret) -> (another secret)]");
  EXPECT_EQ(diff_of(rule("r", "any = true"), rule("r", "challenge_password = \"battery-staple\"")),
            "changed r 1 1 [match.any: true -> ] [match.challenge_password:  -> (secret)]");
}

}  // namespace
}  // namespace countersign::policy
