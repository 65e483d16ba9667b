// A rule that an earlier one leaves nothing for is refused; one that may still be asked never is.
#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

struct Row {
  const char* first;   // the lines of the first rule, without its name
  const char* second;  // and of the second
  bool reachable;
};

constexpr const char* kAnySign = "match = { any = true }\naction = \"sign\"\n";
constexpr const char* kAnyDeny = "match = { any = true }\naction = \"deny\"\n";

TEST(Unreachable, OnlyTheCertainCasesAreRefused) {
  for (const Row& row : std::vector<Row>{
           // After a rule that takes everything.
           {kAnyDeny, kAnySign, false},
           {kAnyDeny, "match = { source = '10.0.0.0/8' }\naction = 'sign'", false},
           {"match = { any = true }\naction = 'queue'", kAnySign, false},
           {"match = { any = true }\naction = 'sign'\nstrip = true", kAnyDeny, false},
           // A rule that signs passes on what asks for more than it grants.
           {kAnySign, kAnyDeny, true},
           {kAnySign, kAnySign, false},
           {kAnySign, "match = { certname = 'a' }\naction = 'sign'", false},
           {kAnySign, "match = { any = true }\naction = 'sign'\ngrant = { dns = ['www.x'] }", true},
           {kAnySign, "match = { any = true }\naction = 'sign'\ngrant = { dns = ['{certname}'] }",
            false},
           {"match = { any = true }\naction = 'sign'\ngrant = { dns = ['www.x'], ip = '10.0.0.1' }",
            "match = { any = true }\naction = 'sign'\ngrant = { dns = ['www.x'] }", false},
           {"match = { any = true }\naction = 'sign'\ngrant = { extensions = ['pp_role'] }",
            "match = { any = true }\naction = 'sign'\ngrant = { extensions = "
            "['1.3.6.1.4.1.34380.1.1.13'] }",
            false},
           {kAnySign, "match = { any = true }\naction = 'sign'\nstrip = true", true},
           {"match = { any = true }\naction = 'queue'\ngrant = { dns = ['www.x'] }", kAnyDeny,
            true},
           // The same conditions, or more of them.
           {"match = { source = '10.0.0.0/8' }\naction = 'deny'",
            "match = { source = '10.0.0.0/8' }\naction = 'sign'", false},
           {"match = { source = '10.0.0.0/8' }\naction = 'deny'",
            "match = { source = '10.0.0.0/8', key = 'ec' }\naction = 'sign'", false},
           {"match = { source = '10.0.0.0/8', key = 'ec' }\naction = 'deny'",
            "match = { source = '10.0.0.0/8' }\naction = 'sign'", true},
           {"match = { source = '10.0.0.0/8' }\naction = 'deny'",
            "match = { source = '10.0.0.0/9' }\naction = 'sign'", true},
           // A list that holds all alternatives of the later one.
           {"match = { certname_regex = ['a.*', 'b.*'] }\naction = 'deny'",
            "match = { certname_regex = 'b.*' }\naction = 'sign'", false},
           {"match = { certname_regex = 'b.*' }\naction = 'deny'",
            "match = { certname_regex = ['a.*', 'b.*'] }\naction = 'sign'", true},
           {"match = { certname = ['a', 'b'] }\naction = 'queue'",
            "match = { certname = 'a' }\naction = 'sign'", false},
           {"match = { certname = 'a' }\naction = 'queue'",
            "match = { certname = 'a', certname_file = 'allow.txt' }\naction = 'sign'", true},
           {"match = { certname = 'a', certname_file = 'allow.txt' }\naction = 'queue'",
            "match = { certname_file = 'allow.txt' }\naction = 'sign'", false},
           {"match = { certname_file = 'allow.txt' }\naction = 'queue'",
            "match = { certname_file = 'more.txt' }\naction = 'sign'", true},
           {"match = { key = ['ec', 'rsa'] }\naction = 'deny'",
            "match = { key = 'rsa' }\naction = 'sign'", false},
           {"match = { live_certificate = true }\naction = 'queue'",
            "match = { live_certificate = true }\naction = 'sign'", false},
           {"match = { live_certificate = true }\naction = 'queue'",
            "match = { live_certificate = false }\naction = 'sign'", true},
           {"match = { san = 'any' }\naction = 'queue'",
            "match = { san = 'none' }\naction = 'sign'", true},
           {"match = { key_bits_min = 3072 }\naction = 'queue'",
            "match = { key_bits_min = 2048 }\naction = 'sign'", true},
           {"match = { challenge_password = 'password-1' }\naction = 'queue'",
            "match = { challenge_password = 'password-2' }\naction = 'sign'", true},
           // An extension that is there, and one that has a value.
           {"match = { extensions = { pp_role = true } }\naction = 'deny'",
            "match = { extensions = { pp_role = 'web' } }\naction = 'sign'", false},
           {"match = { extensions = { pp_role = 'web' } }\naction = 'deny'",
            "match = { extensions = { pp_role = true } }\naction = 'sign'", true},
           {"match = { extensions = { pp_role = true } }\naction = 'deny'",
            "match = { attributes = { '1.3.6.1.4.1.34380.1.1.13' = true } }\naction = 'sign'",
            true},
           // Each of the names, for a rule that signs; one of them, for a rule that does not.
           {"match = { san_dns = 'a' }\naction = 'sign'\nstrip = true",
            "match = { san_dns = 'a' }\naction = 'deny'", true},
           {"match = { san_dns = 'a' }\naction = 'queue'",
            "match = { san_dns = 'a' }\naction = 'deny'", false},
       }) {
    MemoryFiles files;
    files.contents["/etc/cs/allow.txt"] = "x\n";
    files.contents["/etc/cs/more.txt"] = "x\n";
    const std::string toml = "[[rule]]\nname = 'one'\n" + std::string(row.first) +
                             "\n[[rule]]\nname = 'two'\n" + row.second + "\n";
    const auto parsed = parse(toml, files);
    EXPECT_EQ(parsed.has_value(), row.reachable)
        << toml << (parsed.has_error() ? parsed.error().detail : "");
    if (parsed.has_error()) {
      EXPECT_NE(parsed.error().detail.find("rule 'two' can never be reached: rule 'one', at "
                                           "/etc/cs/policy.toml:1:1, decides all that it would "
                                           "match. Move it up, change it, or remove it."),
                std::string::npos)
          << parsed.error().detail;
    }
  }
}

TEST(Unreachable, RulesWithErrorsAreNotHeldAgainstOthers) {
  const auto parsed = parse("[[rule]]\nname = 'one'\naction = 'deny'\n" + signing("any = true"));
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(parsed.error().detail.find("reached"), std::string::npos) << parsed.error().detail;
}

TEST(Unreachable, TheEarliestRuleIsNamedWhateverStandsBetween) {
  const auto parsed = parse(
      "[[rule]]\nname = 'a'\nmatch = { source = '10.0.0.1' }\naction = 'deny'\n"
      "[[rule]]\nname = 'b'\nmatch = { key = 'ec' }\naction = 'deny'\n"
      "[[rule]]\nname = 'c'\nmatch = { key = 'ec', source = '10.0.0.1' }\naction = 'deny'\n");
  ASSERT_TRUE(parsed.has_error());
  EXPECT_NE(parsed.error().detail.find("9:1: rule 'c' can never be reached: rule 'a'"),
            std::string::npos)
      << parsed.error().detail;
}

TEST(Unreachable, ThousandsOfRulesThatDifferAreAllReachable) {
  std::string toml;
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i);
    toml += "[[rule]]\nname = 'r" + n + "'\nmatch = { certname = 'host-" + n +
            "', source = '10.0.0.0/8' }\naction = 'sign'\n";
  }
  EXPECT_EQ(policy(toml)->size(), 2000U);
}

}  // namespace
}  // namespace countersign::policy
