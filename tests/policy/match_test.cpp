// The conditions of a rule, each as a table: what it says, whom it is asked about, what it answers.
#include <functional>
#include <vector>

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

struct Row {
  const char* match;
  const char* certname;
  bool matches;
};

void check(const std::vector<Row>& rows, const char* condition) {
  for (const Row& row : rows) {
    const Decision decision = policy(signing(row.match))->decide(facts(row.certname));
    ASSERT_EQ(decision.trace.size(), 1U);
    EXPECT_EQ(decision.trace[0].matched, row.matches) << row.match << " and " << row.certname;
    EXPECT_EQ(decision.action, row.matches ? Action::sign : Action::queue) << row.match;
    EXPECT_EQ(decision.trace[0].condition, row.matches ? "" : condition) << row.match;
  }
}

TEST(Match, ACertnameRegexMatchesTheWholeNameOrNotAtAll) {
  check({{R"(certname_regex = 'web-[0-9]+')", "web-12", true},
         {R"(certname_regex = 'web-[0-9]+')", "web-12x", false},
         {R"(certname_regex = 'web-[0-9]+')", "xweb-12", false},
         {R"(certname_regex = 'web-[0-9]+')", "web-12\n", false},
         {R"(certname_regex = 'web-[0-9]+')", "web-12\nweb-13", false},
         {R"(certname_regex = '^web-[0-9]+$')", "web-12", true},
         {R"(certname_regex = '^web-[0-9]+$')", "web-12\n", false},
         {R"(certname_regex = '(?m)^web-[0-9]+$')", "web-12\nevil", false},
         {R"(certname_regex = '(?s)web-.*')", "web-1\n", true},
         {R"(certname_regex = 'web-.*')", "web-1\n", false},
         {R"(certname_regex = 'a|b')", "a", true},
         {R"(certname_regex = 'a|b')", "b", true},
         {R"(certname_regex = 'a|b')", "ab", false},
         {R"(certname_regex = 'a|b')", "axxb", false},
         {R"(certname_regex = 'a|ab')", "ab", true},
         {R"(certname_regex = 'web\.example')", "webxexample", false},
         {R"(certname_regex = ['db-.*', 'web-.*'])", "web-1", true},
         {R"(certname_regex = ['db-.*', 'web-.*'])", "mail-1", false},
         {R"(certname_regex = 'WEB-.*')", "web-1", false},
         {R"(certname_regex = '')", "web-1", false}},
        "certname_regex");
}

TEST(Match, ANameThatHoldsNULIsComparedToItsEnd) {
  Facts request = facts(std::string("web-12\0x", 8));
  EXPECT_EQ(policy(signing(R"(certname_regex = 'web-[0-9]+')"))->decide(request).action,
            Action::queue);
}

TEST(Match, ACertnameOrAGlobOfWholeLeadingLabels) {
  check({{R"(certname = "db1.example.com")", "db1.example.com", true},
         {R"(certname = "db1.example.com")", "db1.example.com.", false},
         {R"(certname = "db1.example.com")", "xdb1.example.com", false},
         {R"(certname = "db1.example.com")", "db1.example.com\n", false},
         {R"(certname = "*.lab.example.com")", "a.lab.example.com", true},
         {R"(certname = "*.lab.example.com")", "a.b.lab.example.com", true},
         {R"(certname = "*.lab.example.com")", "lab.example.com", false},
         {R"(certname = "*.lab.example.com")", "xlab.example.com", false},
         {R"(certname = "*.lab.example.com")", "a.lab.example.com.evil.org", false},
         {R"(certname = "*.lab.example.com")", "a.lab.example.com\n", false},
         {R"(certname = ["x", "*.b"])", "a.b", true},
         {R"(certname = ["x", "*.b"])", "b", false}},
        "certname");
}

TEST(Match, CertnameAndCertnameFileAreOneAllowlist) {
  MemoryFiles files;
  files.contents["/etc/cs/allow.txt"] = "# hosts\n\none.example.com\r\n*.two.example.com  \n";
  files.contents["/srv/more.txt"] = "three.example.com";
  const auto rules = policy(signing(R"(certname = ["db1", "*.lab"],
                                       certname_file = ["allow.txt", "/srv/more.txt"])"),
                            files);
  for (const char* name :
       {"db1", "a.lab", "one.example.com", "x.two.example.com", "three.example.com"}) {
    EXPECT_EQ(rules->decide(facts(name)).action, Action::sign) << name;
  }
  for (const char* name : {"db2", "lab", "two.example.com", "one.example.com.", "# hosts"}) {
    EXPECT_EQ(rules->decide(facts(name)).action, Action::queue) << name;
  }
  const std::vector<std::filesystem::path> watched = {"/etc/cs/allow.txt", "/srv/more.txt"};
  EXPECT_EQ(rules->files(), watched);
}

TEST(Match, AnEmptyAllowlistFileListsNobody) {
  MemoryFiles files;
  files.contents["/etc/cs/allow.txt"] = "# none yet\n";
  EXPECT_EQ(policy(signing(R"(certname_file = "allow.txt")"), files)->decide(facts()).action,
            Action::queue);
}

// One condition, and one change of the usual facts.
struct Change {
  const char* match;
  std::function<void(Facts&)> change;
  const char* failed;  // the condition of the trace, "" if it matches
  const char* more = "strip = true\n";
};

void check(const std::vector<Change>& rows) {
  for (const Change& row : rows) {
    Facts request = facts();
    row.change(request);
    const Decision decision = policy(signing(row.match, row.more))->decide(request);
    ASSERT_EQ(decision.trace.size(), 1U);
    EXPECT_EQ(decision.trace[0].condition, row.failed) << row.match << decision.trace[0].detail;
    EXPECT_EQ(decision.trace[0].matched, std::string(row.failed).empty()) << row.match;
    EXPECT_EQ(decision.trace[0].detail.empty(), decision.trace[0].matched) << row.match;
  }
}

std::function<void(Facts&)> from(const char* source) {
  return [source](Facts& f) { f.source = source; };
}

TEST(Match, TheSourceIsInOneOfTheRanges) {
  check({{R"(source = "10.0.0.0/8")", from("10.255.255.255"), ""},
         {R"(source = "10.0.0.0/8")", from("11.0.0.0"), "source"},
         {R"(source = "10.0.0.0/8")", from("::ffff:10.1.2.3"), ""},
         {R"(source = "::ffff:10.0.0.0/104")", from("10.1.2.3"), ""},
         {R"(source = "10.0.0.0/8")", from("::10.1.2.3"), "source"},
         {R"(source = "10.0.0.0/8")", from(""), "source"},
         {R"(source = "10.0.0.0/8")", from("10.1.2.3.4"), "source"},
         {R"(source = "10.0.0.0/8")", from("010.1.2.3"), "source"},
         {R"(source = "10.0.0.0/9")", from("10.128.0.0"), "source"},
         {R"(source = "10.0.0.0/9")", from("10.127.255.255"), ""},
         {R"(source = "192.0.2.7")", from("192.0.2.7"), ""},
         {R"(source = "192.0.2.7")", from("192.0.2.6"), "source"},
         {R"(source = "0.0.0.0/0")", from("203.0.113.1"), ""},
         {R"(source = "0.0.0.0/0")", from("2001:db8::1"), "source"},
         {R"(source = "::/0")", from("2001:db8::1"), ""},
         {R"(source = "2001:db8::/33")", from("2001:db8:7fff::1"), ""},
         {R"(source = "2001:db8::/33")", from("2001:db8:8000::1"), "source"},
         {R"(source = "fe80::/10")", from("fe80::1%eth0"), ""},
         {R"(source = ["10.0.0.0/8", "2001:db8::/32"])", from("2001:db8::1"), ""},
         {R"(source = ["10.0.0.0/8", "2001:db8::/32"])", from("192.0.2.1"), "source"}});
}

std::function<void(Facts&)> asking(std::vector<RequestedName> names) {
  return [names](Facts& f) { f.names = names; };
}

TEST(Match, SANsAreMatchedByType) {
  check(
      {{R"(san = "none")", asking({}), ""},
       {R"(san = "none")", asking({{"uri", "x:y"}}), "san"},
       {R"(san = "any")", asking({}), "san"},
       {R"(san = "any")", asking({{"uri", "x:y"}}), ""},
       {R"(san_dns = '.*\.example\.com')", asking({}), "san_dns"},
       {R"(san_dns = '.*\.example\.com')", asking({{"dns", "a.example.com"}}), ""},
       {R"(san_dns = '.*\.example\.com')", asking({{"dns", "A.Example.COM"}}), ""},
       {R"(san_dns = '.*\.example\.com')", asking({{"email", "a.example.com"}}), "san_dns"},
       {R"(san_dns = '.*\.example\.com')",
        asking({{"dns", "a.example.com"}, {"dns", "a.example.org"}}), "san_dns"},
       {R"(san_dns = ['.*\.com', '.*\.org'])", asking({{"dns", "a.com"}, {"dns", "a.org"}}), ""},
       {R"(san_email = '.*@example\.com')", asking({{"email", "root@example.com"}}), ""},
       {R"(san_email = '.*@example\.com')", asking({{"email", "root@example.com.x"}}), "san_email"},
       {R"(san_uri = 'spiffe://x/.*')", asking({{"uri", "spiffe://x/y"}}), ""},
       {R"(san_uri = 'spiffe://x/.*')", asking({{"uri", "https://x/y"}}), "san_uri"},
       {R"(san_ip = "10.0.0.0/8")", asking({{"ip", "10.0.0.1"}}), ""},
       {R"(san_ip = "10.0.0.0/8")", asking({{"ip", "10.0.0.1"}, {"ip", "11.0.0.1"}}), "san_ip"},
       {R"(san_ip = "2001:db8::/32")", asking({{"ip", "2001:db8::1"}}), ""},
       {R"(san_ip = "10.0.0.0/8")", asking({}), "san_ip"}});
}

TEST(Match, OneMoreSANDoesNotDodgeARuleThatDeniesOrQueues) {
  for (const char* action : {"deny", "queue"}) {
    const auto rules = policy(std::string(R"([[rule]]
                       name = "held"
                       match = { san_dns = 'admin\..*' }
                       reason = "an admin name"
                       action = ")") +
                              action + "\"\n" + signing("any = true", "strip = true"));
    Facts request = facts();
    request.names = {{"dns", "web.example.com"}, {"dns", "ADMIN.example.com"}};
    EXPECT_EQ(rules->decide(request).rule, "held") << action;
    request.names = {{"dns", "web.example.com"}};
    EXPECT_EQ(rules->decide(request).rule, "it") << action;
  }
}

std::function<void(Facts&)> extension(const char* oid, std::optional<std::string> text) {
  return [oid, text](Facts& f) { f.extensions.push_back({oid, false, text}); };
}
constexpr const char* kRole = "1.3.6.1.4.1.34380.1.1.13";

TEST(Match, ExtensionsByShortNameOrOIDWithAnOptionalExpression) {
  check({{R"(extensions = { pp_role = true })", extension(kRole, "web"), ""},
         {R"(extensions = { pp_role = true })", extension(kRole, std::nullopt), ""},
         {R"(extensions = { pp_role = true })", extension("1.2.3", "web"), "extensions"},
         {R"(extensions = { pp_role = 'web|db' })", extension(kRole, "db"), ""},
         {R"(extensions = { pp_role = 'web|db' })", extension(kRole, "dbx"), "extensions"},
         {R"(extensions = { pp_role = 'web|db' })", extension(kRole, "db\n"), "extensions"},
         {R"(extensions = { pp_role = 'web|db' })", extension(kRole, std::nullopt), "extensions"},
         {R"(extensions = { pp_role = ['web', 'db'] })", extension(kRole, "db"), ""},
         {R"(extensions = { "1.3.6.1.4.1.34380.1.1.13" = 'web' })", extension(kRole, "web"), ""},
         {R"(extensions = { "1.2.3" = true })", extension("1.2.3", std::nullopt), ""},
         {R"(extensions = { pp_role = 'web', pp_uuid = true })", extension(kRole, "web"),
          "extensions"}});
}

TEST(Match, AttributesByOIDWhereOneValueThatMatchesIsEnough) {
  const auto with = [](std::vector<std::string> values) {
    return [values](Facts& f) { f.attributes["1.2.840.113549.1.9.2"] = values; };
  };
  check({{R"(attributes = { "1.2.840.113549.1.9.2" = true })", with({}), ""},
         {R"(attributes = { "1.2.840.113549.1.9.2" = 'a.*' })", with({"b", "ab"}), ""},
         {R"(attributes = { "1.2.840.113549.1.9.2" = 'a.*' })", with({"b"}), "attributes"},
         {R"(attributes = { "1.2.840.113549.1.9.3" = true })", with({"b"}), "attributes"}});
}

std::function<void(Facts&)> key(const char* algorithm, int bits) {
  return [algorithm, bits](Facts& f) {
    f.key_algorithm = algorithm;
    f.key_bits = bits;
  };
}

TEST(Match, KeysByKindAndSize) {
  check({{R"(key = "ec")", key("ec", 521), ""},
         {R"(key = "ec:P-256")", key("ec", 256), ""},
         {R"(key = "ec:P-256")", key("ec", 384), "key"},
         {R"(key = "rsa")", key("rsa", 2048), ""},
         {R"(key = "rsa:4096")", key("rsa", 4096), ""},
         {R"(key = "rsa:4096")", key("rsa", 2048), "key"},
         {R"(key = "ed25519")", key("ed25519", 256), ""},
         {R"(key = "ed25519")", key("ec", 256), "key"},
         {R"(key = ["rsa:4096", "ec"])", key("ec", 256), ""},
         {R"(key_bits_min = 3072)", key("rsa", 3072), ""},
         {R"(key_bits_min = 3072)", key("rsa", 3071), "key_bits_min"}});
}

TEST(Match, TheChallengePasswordIsOneOfThoseListed) {
  const auto with = [](std::string password) {
    return [password](Facts& f) { f.challenge_password = password; };
  };
  const char* two = R"(challenge_password = ["new-secret", "old-secret-1"])";
  check({{two, with("new-secret"), ""},
         {two, with("old-secret-1"), ""},
         {two, with(""), "challenge_password"},
         {two, with("new-secre"), "challenge_password"},
         {two, with("new-secretn"), "challenge_password"},
         {two, with("new-secretnew-secret"), "challenge_password"},
         {two, with("NEW-SECRET"), "challenge_password"},
         {two, with(std::string("new-secret\0", 11)), "challenge_password"},
         {two, with("new-secret\n"), "challenge_password"}});
}

TEST(Match, ALiveCertificateIsThereOrNot) {
  const auto live = [](bool there) {
    return [there](Facts& f) { f.has_live_certificate = there; };
  };
  check({{"live_certificate = true", live(true), ""},
         {"live_certificate = true", live(false), "live_certificate"},
         {"live_certificate = false", live(true), "live_certificate"},
         {"live_certificate = false", live(false), ""}});
}

TEST(Match, AnEnrolmentTokenThatIsGoodMustHaveCome) {
  const auto token = [](const std::string& problem, const std::string& profile) {
    return [problem, profile](Facts& f) { f.token = PresentedToken{"T1", problem, profile}; };
  };
  check({{"token = 'required'", token("", ""), ""},
         {"token = 'required'", token("", "agent"), ""},
         {"token = 'required'", token("", "server"), "token"},
         {"token = 'required'", token("the token is used up", ""), "token"},
         {"token = 'required'", [](Facts&) {}, "token"},
         {"any = true", token("the token is used up", ""), ""}});
  EXPECT_TRUE(policy(signing("token = 'required'"))
                  ->decide([&] {
                    Facts good = facts();
                    good.token = PresentedToken{"T1", "", ""};
                    return good;
                  }())
                  .token);
}

TEST(Match, AllKeysMustHoldAndTheTraceNamesTheFirstThatFailed) {
  const char* match = R"(certname_regex = 'web-.*', certname = "*.example.com",
      source = "10.0.0.0/8", key = "ec", key_bits_min = 256, san = "any", san_dns = '.*',
      san_ip = "10.0.0.0/8", extensions = { pp_role = true }, attributes = { "1.2.3" = true },
      challenge_password = "secret-secret", live_certificate = false, token = "required")";
  Facts good = facts();
  good.names = {{"dns", good.certname}, {"ip", "10.0.0.1"}};
  good.extensions = {{kRole, false, "web"}};
  good.attributes["1.2.3"] = {"x"};
  good.challenge_password = "secret-secret";
  good.token = PresentedToken{"T1", "", ""};
  const auto rules = policy(signing(match, "strip = true"));
  EXPECT_EQ(rules->decide(good).action, Action::sign);

  // From the last condition to the first: each failure hides the ones behind it.
  const std::vector<std::pair<const char*, std::function<void(Facts&)>>> breaks = {
      {"token", [](Facts& f) { f.token.reset(); }},
      {"live_certificate", [](Facts& f) { f.has_live_certificate = true; }},
      {"challenge_password", [](Facts& f) { f.challenge_password.clear(); }},
      {"attributes", [](Facts& f) { f.attributes.clear(); }},
      {"extensions", [](Facts& f) { f.extensions.clear(); }},
      {"san_ip", [](Facts& f) { f.names.pop_back(); }},
      {"san_dns",
       [](Facts& f) {
         f.names = {{"ip", "10.0.0.1"}};
       }},
      {"san", [](Facts& f) { f.names.clear(); }},
      {"key_bits_min", [](Facts& f) { f.key_bits = 255; }},
      {"key", [](Facts& f) { f.key_algorithm = "rsa"; }},
      {"source", [](Facts& f) { f.source = "192.0.2.1"; }},
      {"certname", [](Facts& f) { f.certname = "web-1.example.org"; }},
      {"certname_regex", [](Facts& f) { f.certname = "db-1.example.org"; }}};
  for (const auto& [condition, break_it] : breaks) {
    break_it(good);
    const Decision decision = rules->decide(good);
    EXPECT_EQ(decision.trace[0].condition, condition);
    EXPECT_FALSE(decision.trace[0].matched);
  }
}

}  // namespace
}  // namespace countersign::policy
