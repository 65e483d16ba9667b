// What would have to change for another outcome.
#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

std::string rule(const std::string& name, const std::string& match, const std::string& action,
                 const std::string& more = "") {
  return "[[rule]]\nname = \"" + name + "\"\naction = \"" + action + "\"\nmatch = { " + match +
         " }\n" + more;
}

std::string advice(const std::string& toml, const Facts& request) {
  const auto nearest = policy(toml)->explain(request).nearest;
  return nearest ? nearest->advice : "";
}

TEST(Nearest, NamesTheOneThingToChange) {
  struct Row {
    const char* match;
    const char* advice;
  };
  const Row rows[] = {
      {R"(certname_regex = 'db-[0-9]+')",
       "the certname must match 'db-[0-9]+'; it is 'web-1.example.com'"},
      {R"(certname = "db-1")",
       "the certname must be in the rule's list; 'web-1.example.com' is not"},
      {R"(source = "192.0.2.0/24")",
       "the request must come from 192.0.2.0/24; it came from '10.1.2.3'"},
      {R"(key = ["rsa", "ec:P-384"])", "the key must be rsa, ec:P-384; it is ec:256"},
      {R"(key_bits_min = 384)", "the key must have at least 384 bits; it has 256"},
      {R"(san = "any")", "the request must ask for a SAN"},
      {R"(san_dns = 'a')", "the request must ask for a SAN of type dns"},
      {R"(extensions = { pp_role = "web" })", "the request must ask for pp_role"},
      {R"(extensions = { pp_zone = "b|c" })", "pp_zone must match 'b|c'"},
      {R"(attributes = { "1.2.3" = true })", "the request must have the attribute 1.2.3"},
      {R"(challenge_password = "correct-horse")",
       "the request must carry the challenge password; it has none"},
      {R"(live_certificate = true)", "the name must have a live certificate"},
      {R"(certname_regex = '.*')",
       "the request must not ask for the extension pp_zone, or the rule grant it"},
  };
  Facts request = facts();
  request.extensions = {{"1.3.6.1.4.1.34380.1.1.20", false, "a"}};
  const std::string grant = "grant = { extensions = [\"pp_zone\"] }\n";
  for (const Row& row : rows) {
    const bool asks_for_more = std::string_view(row.match).ends_with("'.*'");
    EXPECT_EQ(advice(rule("web tier", row.match, "sign", asks_for_more ? "" : grant), request),
              "To be signed by 'web tier': " + std::string(row.advice) + ".")
        << row.match;
  }
}

TEST(Nearest, IsTheRuleThatFailsOnFewestConditions) {
  const std::string toml =
      rule("two", "certname_regex = 'db-.*', source = \"192.0.2.0/24\"", "sign") +
      rule("one", "certname_regex = 'web-.*', source = \"192.0.2.0/24\"", "sign") +
      rule("rest", "any = true", "queue");
  const auto explanation = policy(toml)->explain(facts());
  EXPECT_EQ(explanation.decision.rule, "rest");
  ASSERT_TRUE(explanation.nearest);
  EXPECT_EQ(explanation.nearest->rule, "one");
  ASSERT_EQ(explanation.nearest->failures.size(), 1U);
  EXPECT_EQ(explanation.nearest->failures[0].condition, "source");
  EXPECT_EQ(
      advice(rule("two", "certname_regex = 'db-.*', source = \"192.0.2.0/24\"", "sign"), facts()),
      "Nearest to being signed is 'two', which wants 2 things to change: the certname must "
      "match 'db-.*'; it is 'web-1.example.com'; and the request must come from "
      "192.0.2.0/24; it came from '10.1.2.3'.");
}

TEST(Nearest, OfMoreRulesForNamesIsTheOneThatLooksLikeTheName) {
  std::string toml;
  for (const char* tier : {"db", "app", "web", "mail"}) {
    toml +=
        rule(tier, "certname_regex = '" + std::string(tier) + R"(-[0-9]+\.example\.com')", "sign");
  }
  const auto nearest = policy(toml)->explain(facts("web-x.example.com")).nearest;
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->rule, "web");
}

TEST(Nearest, HasAnotherActionAndStandsBeforeTheRuleThatDecided) {
  const std::string never = "source = \"192.0.2.0/24\"";
  EXPECT_EQ(advice("", facts()), "") << "no rule at all";
  EXPECT_EQ(advice(rule("same", never, "queue"), facts()), "") << "it would be queued as well";
  EXPECT_EQ(advice(rule("all", "any = true", "deny"), facts()), "") << "nothing stands before it";
  EXPECT_EQ(advice(rule("all", R"(certname_regex = '.*')", "deny") + rule("later", never, "sign"),
                   facts()),
            "")
      << "it is never asked";
  EXPECT_NE(advice(rule("held", never, "queue") + rule("all", "any = true", "sign"), facts())
                .find("To be queued by 'held'"),
            std::string::npos);
  EXPECT_NE(
      advice(rule("held", never, "deny") + rule("net", "source = \"198.51.100.0/24\"", "sign"),
             facts())
          .find("To be signed by 'net'"),
      std::string::npos)
      << "one that signs goes first";
}

TEST(Nearest, NeverHoldsASecret) {
  Facts request = facts();
  request.challenge_password = "wrong-donkey-staple";
  const std::string text =
      advice(rule("r", "challenge_password = \"correct-horse-battery\"", "sign"), request);
  EXPECT_EQ(text, "To be signed by 'r': the challenge password must be right; it is wrong.");
}

}  // namespace
}  // namespace countersign::policy
