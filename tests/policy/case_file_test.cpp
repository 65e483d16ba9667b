// Files of cases: what they may hold, and what is wrong in them.
#include "policy/case_file.h"

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

Result<CaseFile> cases(const std::string& toml) { return parse_cases(toml, "/t/cases.toml"); }

std::string one(const std::string& keys) {
  return "[[case]]\nname = \"it\"\ncertname = \"web-1\"\nexpect = { action = \"sign\" }\n" + keys;
}

TEST(CaseFile, EveryFactCanBeGiven) {
  const auto file =
      cases("policy = \"../policy.toml\"\n" +
            one("dns = [\"web-1\", \"www\"]\nip = \"10.0.0.1\"\nemail = \"a@b\"\nuri = \"x:y\"\n"
                "extensions = { pp_role = \"web\", \"1.2.3\" = true }\n"
                "attributes = { \"1.2.4\" = [\"a\", \"b\"] }\nchallenge_password = \"secret\"\n"
                "key = \"rsa:4096\"\nsource = \"10.1.2.3\"\nlive_certificate = true\n"));
  ASSERT_TRUE(file.has_value()) << file.error().detail;
  EXPECT_EQ(file->policy, "/t/../policy.toml");
  ASSERT_EQ(file->cases.size(), 1U);
  const Facts& facts = file->cases[0].facts;
  EXPECT_EQ(file->cases[0].place, "/t/cases.toml:2:1");
  EXPECT_EQ(facts.certname, "web-1");
  ASSERT_EQ(facts.names.size(), 5U);
  EXPECT_EQ(facts.names[1].value, "www");
  EXPECT_EQ(facts.names[2].type, "ip");
  ASSERT_EQ(facts.extensions.size(), 2U);
  for (const RequestedExtension& extension : facts.extensions) {
    const bool role = extension.oid == oid_of("pp_role");
    EXPECT_EQ(extension.text, role ? std::optional<std::string>("web") : std::nullopt);
  }
  EXPECT_EQ(facts.attributes.at("1.2.4"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(facts.challenge_password, "secret");
  EXPECT_EQ(facts.key_algorithm, "rsa");
  EXPECT_EQ(facts.key_bits, 4096);
  EXPECT_EQ(facts.source, "10.1.2.3");
  EXPECT_TRUE(facts.has_live_certificate);
}

TEST(CaseFile, WhatIsLeftOutIsAModernMachineThatAsksForItsNameAlone) {
  const auto file = cases(one(""));
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(file->policy.empty());
  const Facts& facts = file->cases[0].facts;
  EXPECT_EQ(facts.key_algorithm, "ec");
  EXPECT_EQ(facts.key_bits, 256);
  EXPECT_EQ(facts.source, "");
  EXPECT_TRUE(facts.names.empty());
  EXPECT_FALSE(facts.has_live_certificate);
}

TEST(CaseFile, WhatIsWrongIsNamedWithItsPlace) {
  struct Row {
    std::string toml;
    const char* message;
  };
  const Row rows[] = {
      {"", "/t/cases.toml:1:1: there is no [[case]] here."},
      {one("") + one(""), ":6:8: there is a case 'it' already."},
      {"[[case]]\ncertname = \"a\"\nexpect = { action = \"sign\" }\n",
       ":1:1: a case needs a name."},
      {"[[case]]\nname = \"a\"\ncertname = \"a\"\n", ":1:1: a case needs an expect."},
      {"[[case]]\nname = \"a\"\ncertname = \"WEB\"\nexpect = { action = \"sign\" }\n",
       ":3:12: no policy is asked about this certname"},
      {"[[case]]\nname = \"a\"\ncertname = \"a\"\nexpect = { action = \"allow\" }\n",
       "'action' must be \"sign\""},
      {one("key = \"rsa\"\n"), ":5:7: this is no key."},
      {one("key = \"rsa:20x\"\n"), ":5:7: this is no key."},
      {one("source = \"10.0.0.0/8\"\n"), ":5:10: '10.0.0.0/8' is no IP address."},
      {one("ip = \"here\"\n"), ":5:6: 'here' is no IP address."},
      {one("extensions = { role = \"web\" }\n"), "'role' is neither a Puppet short name"},
      {one("extensions = { pp_role = false }\n"), "must be true"},
      {one("certnam = \"a\"\n"), "unknown key 'certnam'. Did you mean 'certname'?"},
  };
  for (const Row& row : rows) {
    const auto file = cases(row.toml);
    ASSERT_TRUE(file.has_error()) << row.toml;
    EXPECT_EQ(file.error().code, Code::malformed);
    EXPECT_NE(file.error().detail.find(row.message), std::string::npos) << file.error().detail;
  }
}

TEST(Expectation, WhatIsNotNamedMayBeAnything) {
  const Decision decision =
      policy(signing("any = true", "reason = \"welcome\"\n"))->decide(facts());
  struct Row {
    Expectation expected;
    bool holds;
  };
  const Row rows[] = {
      {{Action::sign, std::nullopt, std::nullopt}, true},
      {{Action::queue, std::nullopt, std::nullopt}, false},
      {{Action::sign, "it", std::nullopt}, true},
      {{Action::sign, "other", std::nullopt}, false},
      {{Action::sign, "", std::nullopt}, false},
      {{Action::sign, std::nullopt, "welcome"}, true},
      {{Action::sign, std::nullopt, "go away"}, false},
  };
  for (const Row& row : rows) EXPECT_EQ(as_expected(row.expected, decision), row.holds);
}

}  // namespace
}  // namespace countersign::policy
