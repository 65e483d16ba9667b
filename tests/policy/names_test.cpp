// Names: the certname rules, DNS names, allowlists of many, and Puppet's autosign.conf.
#include "policy/allowlist.h"
#include "policy/certname.h"
#include "policy/puppet_autosign.h"
#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

constexpr const char* kFormat = "Subject hostname format is invalid";

TEST(Certname, RulesAndTheirTexts) {
  struct Row {
    std::string name;
    const char* text;  // nullptr: good
  };
  for (const Row& row : std::vector<Row>{
           {"a", nullptr},
           {"web-1.example.com", nullptr},
           {"rootca.", nullptr},
           {"_x", nullptr},
           {"1.2.3", nullptr},
           {"a_b.c_d", nullptr},
           {"a.-b", nullptr},
           {"a.--b", nullptr},
           {"ca.example.com", nullptr},
           {"cab", nullptr},
           {std::string(65, 'a'), nullptr},
           {std::string(253, 'a'), nullptr},
           {std::string(254, 'a'), "The name has 254 characters; 253 is the most."},
           {"Web", "Certificate names must be lower case."},
           {"web.Example", "Certificate names must be lower case."},
           {"*.example.com", "Subject contains a wildcard, which is not allowed: *.example.com"},
           {"a*b", "Subject contains a wildcard, which is not allowed: a*b"},
           {"ca", "The name 'ca' is reserved."},
           {"", kFormat},
           {".", kFormat},
           {"..", kFormat},
           {".a", kFormat},
           {"a..b", kFormat},
           {"a..", kFormat},
           {"-a", kFormat},
           {"a-", kFormat},
           {"a-.b", kFormat},
           {"a.b-", kFormat},
           {"a.b-.", kFormat},
           {"a b", kFormat},
           {" a", kFormat},
           {"a/b", kFormat},
           {"../a", kFormat},
           {"a&b", kFormat},
           {"a\n", kFormat},
           {"a\r", kFormat},
           {"a\t", kFormat},
           {std::string("a\0b", 3), kFormat},
           {std::string("a\0", 2), kFormat},
           {"a\x7f", kFormat},
           {"b\xc3\xbc"
            "cher",
            kFormat},
           {"a%2e", kFormat},
           {"a:b", kFormat},
           {"a@b", kFormat},
           {"a'b", kFormat}}) {
    const auto checked = check_certname(row.name);
    EXPECT_EQ(checked.has_value(), row.text == nullptr) << row.name;
    if (row.text == nullptr || checked.has_value()) continue;
    EXPECT_EQ(checked.error().code, Code::bad_name);
    EXPECT_EQ(checked.error().detail, row.text) << row.name;
  }
}

TEST(DnsName, MayBeCertifiedIfDNSCanHoldIt) {
  const std::string label(63, 'a');
  for (const std::string& good : {std::string("a"), std::string("WWW.Example.com"),
                                  std::string("a_b.c"), label + "." + label}) {
    EXPECT_TRUE(valid_dns_name(good, false)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("a."), std::string(".a"), std::string("a..b"), std::string("-a"),
        std::string("a.-b"), std::string("a-"), std::string("a b"), std::string("a\0", 2),
        label + "a", std::string("*.a"), std::string(254, 'a')}) {
    EXPECT_FALSE(valid_dns_name(bad, false)) << bad;
  }
  EXPECT_TRUE(valid_dns_name("*.a", true));
  for (const char* bad : {"*", "*.", "a.*", "*a.b", "*.*.a", "*.*"}) {
    EXPECT_FALSE(valid_dns_name(bad, true)) << bad;
  }
}

TEST(Allowlist, HoldsAHundredThousandNamesAndGlobs) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "host-" + std::to_string(i) + ".example.com\n";
  for (int i = 0; i < 1000; ++i) text += "*.zone-" + std::to_string(i) + ".example.com\n";
  MemoryFiles files;
  files.contents["/etc/cs/allow.txt"] = text;
  const auto rules = policy(signing("certname_file = \"allow.txt\""), files);
  for (int i = 0; i < 100000; i += 997) {
    const std::string name = "host-" + std::to_string(i) + ".example.com";
    EXPECT_EQ(rules->decide(facts(name)).action, Action::sign) << name;
    EXPECT_EQ(rules->decide(facts("x" + name)).action, Action::queue) << name;
    EXPECT_EQ(rules->decide(facts(name + ".")).action, Action::queue) << name;
  }
  EXPECT_EQ(rules->decide(facts("a.b.zone-999.example.com")).action, Action::sign);
  EXPECT_EQ(rules->decide(facts("a.zone-1000.example.com")).action, Action::queue);
}

TEST(Allowlist, TakesEachEntryOnceAndOnlyWhatCouldBeAName) {
  Allowlist list;
  EXPECT_FALSE(list.matches("a"));
  for (const char* good : {"a", "a", "*.b", "*.b", "b"}) EXPECT_TRUE(list.add(good));
  EXPECT_EQ(list.size(), 3U);
  for (const std::string& bad :
       {std::string(""), std::string("*"), std::string("*."), std::string("A"),
        std::string("*.*.a"), std::string("a b"), std::string(254, 'a'), std::string("ca")}) {
    EXPECT_FALSE(list.add(bad)) << bad;
  }
  EXPECT_EQ(list.size(), 3U);
  EXPECT_TRUE(list.add(std::string(253, 'z')));
  EXPECT_TRUE(list.matches(std::string(253, 'z')));
  EXPECT_FALSE(list.matches(std::string(252, 'z')));
}

TEST(AutosignConf, MeansWhatItMeansToPuppet) {
  struct Row {
    const char* file;
    const char* certname;
    bool matches;
  };
  for (const Row& row : std::vector<Row>{{"", "a", false},
                                         {"a\n", "a", true},
                                         {"a", "a", true},
                                         {"a\r\n", "a", true},
                                         {"b\ra", "a", true},
                                         {"b\na\n", "a", true},
                                         {"A", "a", false},
                                         {" a", "a", false},
                                         {"a ", "a", false},
                                         {"\ta", "a", false},
                                         {"#a", "a", false},
                                         {"# a\na", "a", true},
                                         {"a # comment", "a", false},
                                         {"a#b\na", "a", true},
                                         {"   \n\t\na", "a", true},
                                         {"*", "a.b", true},
                                         {"* ", "a.b", false},
                                         {"**", "a.b", false},
                                         {"*.example.com", "a.example.com", true},
                                         {"*.example.com", "a.b.example.com", true},
                                         {"*.example.com", "example.com", true},
                                         {"*.example.com", "notexample.com", false},
                                         {"*.example.com", "a.example.com.org", false},
                                         {"*.EXAMPLE.com", "a.example.com", true},
                                         {"*x.example.com", "a.example.com", true},
                                         {"*foo", "foo", false},
                                         {"*foo", "xfoo", false},
                                         {"*.", "rootca.", false},
                                         {"*..", "a.", false},
                                         {"*.example.com.", "a.example.com", true},
                                         {"a.*.com", "a.b.com", false},
                                         {"a.*.com", "a.*.com", true}}) {
    EXPECT_EQ(AutosignList::parse(row.file).matches(row.certname), row.matches)
        << "'" << row.file << "' and " << row.certname;
  }
}

TEST(AutosignConf, LinesThatAreInvalidAreKeptForTheLog) {
  const auto list = AutosignList::parse("good\nno good\n# fine\nno#good\n*.a #x\n");
  EXPECT_EQ(list.invalid(), (std::vector<std::string>{"no good", "no#good", "*.a #x"}));
  EXPECT_TRUE(list.matches("good"));
}

TEST(ShortNames, ArePuppetsAndStandForTheirOIDs) {
  EXPECT_EQ(oid_of("pp_role"), "1.3.6.1.4.1.34380.1.1.13");
  EXPECT_EQ(oid_of("pp_cli_auth"), kCliAuthOid);
  EXPECT_EQ(oid_of("1.2.3"), "1.2.3");
  EXPECT_EQ(short_name_of("1.3.6.1.4.1.34380.1.1.13"), "pp_role");
  EXPECT_EQ(short_name_of("1.2.3"), "1.2.3");
  for (const char* bad : {"", "pp_", "1", "1.", ".1", "1..2", "1.2.", "3.1", "1.02", "1.2x", "a.b",
                          "1 .2", "-1.2", "12.3"}) {
    EXPECT_EQ(oid_of(bad), "") << bad;
  }
  EXPECT_TRUE(is_puppet_extension("1.3.6.1.4.1.34380.1.1.1"));
  EXPECT_TRUE(is_puppet_extension("1.3.6.1.4.1.34380.1.2.1"));
  for (const char* other : {"1.3.6.1.4.1.34380.1.3.1", "1.3.6.1.4.1.34380.1.10.1",
                            "1.3.6.1.4.1.34380.1.1", "2.5.29.19"}) {
    EXPECT_FALSE(is_puppet_extension(other)) << other;
  }
  EXPECT_TRUE(is_authorization_extension(kCliAuthOid));
  EXPECT_FALSE(is_authorization_extension("1.3.6.1.4.1.34380.1.30.1"));
}

}  // namespace
}  // namespace countersign::policy
