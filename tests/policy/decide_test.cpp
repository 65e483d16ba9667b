// Order, default, reason and trace.
#include <boost/json.hpp>

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

TEST(Decide, TheFirstRuleThatMatchesDecides) {
  const auto rules = policy(R"(
[[rule]]
name = "first"
match = { certname_regex = 'web-.*' }
action = "queue"
reason = "look at it"
profile = "server"
[[rule]]
name = "second"
match = { any = true }
action = "sign"
)");
  const Decision first = rules->decide(facts("web-1"));
  EXPECT_EQ(first.action, Action::queue);
  EXPECT_EQ(first.rule, "first");
  EXPECT_EQ(first.reason, "look at it");
  EXPECT_EQ(first.profile, "server");
  ASSERT_EQ(first.trace.size(), 1U) << "rules behind the one that matched are not asked";
  const Decision second = rules->decide(facts("db-1"));
  EXPECT_EQ(second.action, Action::sign);
  EXPECT_EQ(second.rule, "second");
  EXPECT_EQ(second.profile, "agent") << "the first profile is the default";
  ASSERT_EQ(second.trace.size(), 2U);
  EXPECT_EQ(second.trace[0].rule, "first");
  EXPECT_EQ(second.trace[0].condition, "certname_regex");
  EXPECT_EQ(second.trace[0].detail, "'db-1' does not match 'web-.*'");
}

TEST(Decide, WithoutARuleThatMatchesTheDefaultDecides) {
  EXPECT_EQ(policy("")->decide(facts()).action, Action::queue);
  EXPECT_EQ(policy("default = \"queue\"")->decide(facts()).action, Action::queue);
  EXPECT_EQ(policy("default = \"deny\"")->decide(facts()).action, Action::deny);
  EXPECT_EQ(policy("default = \"sign\"")->decide(facts()).action, Action::sign);
  for (const char* action : {"sign", "queue", "deny"}) {
    const Decision decision = policy("default = \"" + std::string(action) + "\"")->decide(facts());
    EXPECT_EQ(decision.rule, "");
    EXPECT_EQ(decision.reason, "no rule matched; the default is to " + std::string(action));
    EXPECT_TRUE(decision.trace.empty());
  }
}

TEST(Decide, ADefaultThatSignsGrantsTheCertnameAndNothingElse) {
  const auto rules = policy("default = \"sign\"");
  EXPECT_EQ(names_of(rules->decide(facts())), "dns:web-1.example.com");
  Facts request = facts();
  request.names = {{"dns", request.certname}};
  EXPECT_EQ(rules->decide(request).action, Action::sign);
  request.names.push_back({"dns", "www.example.com"});
  const Decision more = rules->decide(request);
  EXPECT_EQ(more.action, Action::queue);
  EXPECT_NE(more.reason.find("www.example.com"), std::string::npos) << more.reason;
  request.names.clear();
  request.extensions = {{std::string(kCliAuthOid), false, "true"}};
  EXPECT_EQ(rules->decide(request).action, Action::queue);
}

TEST(Decide, AReasonIsNeverEmpty) {
  for (const char* action : {"sign", "queue", "deny"}) {
    const Decision decision = policy("[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"" +
                                     std::string(action) + "\"")
                                  ->decide(facts());
    EXPECT_EQ(decision.reason, "rule 'r' says " + std::string(action));
  }
}

TEST(Trace, NeverHoldsASecret) {
  const std::string secret = "correct-horse-battery";
  const std::string guess = "wrong-donkey-staple";
  const std::string preshared = "preshared-key-value";
  const auto rules = policy(signing("challenge_password = \"" + secret + "\"") +
                            "[[rule]]\nname = \"key\"\naction = \"sign\"\n"
                            "match = { extensions = { pp_preshared_key = '" +
                            preshared + "' } }\n");
  Facts request = facts();
  request.challenge_password = guess;
  request.extensions = {{"1.3.6.1.4.1.34380.1.1.4", false, "another-key-value"}};
  const Decision decision = rules->decide(request);
  ASSERT_EQ(decision.trace.size(), 2U);
  EXPECT_EQ(decision.trace[0].detail, "it is wrong");
  EXPECT_EQ(decision.trace[1].detail, "pp_preshared_key does not match");
  const std::string all = trace_to_json(decision.trace) + decision.reason;
  for (const std::string& text : {secret, guess, preshared, std::string("another-key-value")}) {
    EXPECT_EQ(all.find(text), std::string::npos) << text;
  }
  request.challenge_password.clear();
  EXPECT_EQ(rules->decide(request).trace[0].detail, "none was given");
}

TEST(Trace, DoesNotGrowWithWhatTheClientSent) {
  std::string many;
  for (int i = 0; i < 100; ++i) {
    many += "[[rule]]\nname = \"r" + std::to_string(i) +
            "\"\naction = \"sign\"\nmatch = { san_uri = '" + std::to_string(i) + "' }\n";
  }
  Facts request = facts();
  request.names = {{"uri", std::string(60000, 'x')}};
  std::size_t total = 0;
  for (const TraceStep& step : policy(many)->decide(request).trace) total += step.detail.size();
  EXPECT_LT(total, 100U * 250U);
  request.names = {{"uri", std::string(119, 'x') + "\xC3\xA9"}};
  const std::string cut = policy(signing("san_uri = 'a'"))->decide(request).trace[0].detail;
  EXPECT_EQ(cut.find('\xC3'), std::string::npos) << "cut within a character: " << cut;
}

TEST(Trace, IsJSONWhateverItHolds) {
  const auto json = boost::json::parse(trace_to_json(
      {{"a \"rule\"", false, "source", "'\n\x01' is not in 10.0.0.0/8"}, {"b", true, "", ""}}));
  ASSERT_EQ(json.as_array().size(), 2U);
  EXPECT_EQ(json.at(0).at("rule").as_string(), "a \"rule\"");
  EXPECT_EQ(json.at(0).at("matched").as_bool(), false);
  EXPECT_EQ(json.at(0).at("detail").as_string(), "'\n\x01' is not in 10.0.0.0/8");
  EXPECT_EQ(json.at(1).at("matched").as_bool(), true);
}

// The policy of the design, to the letter.
TEST(Decide, TheExamplePolicyReadsAsItDecides) {
  MemoryFiles files;
  files.contents["/etc/cs/allow.txt"] = "mail.example.com\n";
  const auto rules = policy(R"(
default = "queue"                       # sign | queue | deny, when no rule matches

[[rule]]
name   = "web tier"
match  = { certname_regex = 'web-[a-z0-9]+\.example\.com', source = ["10.0.0.0/8"] }
grant  = { dns = ["{certname}", "www.example.com"], extensions = ["pp_role"] }
action = "sign"
profile = "agent"                       # defined in countersign.toml under [profile.agent]

[[rule]]
name   = "known hosts"
match  = { certname = ["db1.example.com", "*.lab.example.com"], certname_file = "allow.txt" }   # either list may hold it
action = "sign"
)",
                            files);
  ASSERT_EQ(rules->size(), 2U);
  Facts web = facts("web-7.example.com");
  web.names = {{"dns", "web-7.example.com"}, {"dns", "www.example.com"}};
  web.extensions = {{"1.3.6.1.4.1.34380.1.1.13", false, "web"}};
  const Decision signed_web = rules->decide(web);
  EXPECT_EQ(signed_web.action, Action::sign);
  EXPECT_EQ(signed_web.rule, "web tier");
  EXPECT_EQ(names_of(signed_web), "dns:web-7.example.com dns:www.example.com");
  EXPECT_EQ(signed_web.granted.extensions, std::vector<std::string>{"1.3.6.1.4.1.34380.1.1.13"});
  web.source = "192.0.2.1";
  EXPECT_EQ(rules->decide(web).action, Action::queue);

  for (const char* name : {"db1.example.com", "a.lab.example.com", "mail.example.com"}) {
    const Decision known = rules->decide(facts(name));
    EXPECT_EQ(known.rule, "known hosts") << name;
    EXPECT_EQ(names_of(known), "dns:" + std::string(name));
  }
  Facts more = facts("db1.example.com");
  more.names = {{"dns", "www.example.com"}};
  EXPECT_EQ(rules->decide(more).action, Action::queue);
  EXPECT_EQ(rules->decide(facts("db2.example.com")).action, Action::queue);
}

}  // namespace
}  // namespace countersign::policy
