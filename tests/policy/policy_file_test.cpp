// Every error of a policy file: where it is, what is wrong, and what to do.
#include <algorithm>

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

struct Row {
  const char* toml;
  std::vector<const char*> messages;  // one a line, in order; each begins with line:column
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

void check(const std::vector<Row>& rows) {
  MemoryFiles files;
  files.contents["/etc/cs/bad.txt"] = "good.example.com\n\nNot Good\nNor This\n";
  for (const Row& row : rows) {
    const auto parsed = parse(row.toml, files);
    ASSERT_TRUE(parsed.has_error()) << row.toml;
    EXPECT_EQ(parsed.error().code, Code::malformed);
    const auto lines = lines_of(parsed.error().detail);
    EXPECT_EQ(lines.size(), row.messages.size()) << row.toml << "\n" << parsed.error().detail;
    for (std::size_t i = 0; i < std::min(lines.size(), row.messages.size()); ++i) {
      const std::string message = row.messages[i];
      const std::size_t place = message.find(": ");
      EXPECT_TRUE(lines[i].starts_with("/etc/cs/policy.toml:" + message.substr(0, place + 2)))
          << row.toml << "\n"
          << lines[i];
      EXPECT_NE(lines[i].find(message.substr(place + 2)), std::string::npos) << row.toml << "\n"
                                                                             << lines[i];
      EXPECT_TRUE(lines[i].ends_with('.') || lines[i].ends_with('?')) << lines[i];
    }
  }
}

// A rule around one line of `match`, which stands in line 3 from column 11 on.
std::string with(const std::string& match) {
  return "[[rule]]\nname = \"r\"\nmatch = { " + match + " }\naction = \"sign\"\n";
}

TEST(PolicyFile, TextThatIsNoTOML) {
  check({{"default = queue", {"1:11: this is not TOML"}},
         {"[[rule]\n", {"1:8: this is not TOML"}},
         {"default = \"queue\"\ndefault = \"deny\"", {"2:11: this is not TOML"}},
         {"a = \"\xff\"", {"1:5: this is not TOML"}}});
}

TEST(PolicyFile, UnknownKeysAndTheNearestKnownOne) {
  check({{"defualt = \"queue\"", {"1:1: unknown key 'defualt'. Did you mean 'default'?"}},
         {"[[rules]]\nname = \"r\"", {"1:3: unknown key 'rules'. Did you mean 'rule'?"}},
         {"zzz = 1", {"1:1: unknown key 'zzz'. Known are: approvals default rule."}},
         {"\"a\\nb\" = 1", {"1:1: unknown key 'a\\x0ab'."}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }\nacton = \"sign\"\naction = \"sign\"",
          {"4:1: unknown key 'acton'. Did you mean 'action'?"}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"sign\"\ngrant = { dsn = "
          "\"a\" }",
          {"5:11: unknown key 'dsn'. Did you mean 'dns'?"}}});
  const auto parsed = parse(with("certname_rexeg = 'a'"));
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(parsed.error().detail,
            "/etc/cs/policy.toml:3:11: unknown key 'certname_rexeg'. Did you mean "
            "'certname_regex'?");
}

TEST(PolicyFile, ValuesOfTheWrongType) {
  check({{"default = 1", {"1:11: 'default' must be a text in quotes."}},
         {"default = \"maybe\"", {"1:11: 'default' must be \"sign\", \"queue\" or \"deny\"."}},
         {"rule = \"x\"", {"1:8: 'rule' must be written as [[rule]]."}},
         {"[rule]\nname = \"r\"", {"1:1: 'rule' must be written as [[rule]]."}},
         {"rule = [1]", {"1:8: 'rule' must be written as [[rule]]."}},
         {"[[rule]]\nname = 1\nmatch = { any = true }\naction = \"sign\"",
          {"2:8: 'name' must be a text in quotes.", "2:8: a rule needs a name."}},
         {"[[rule]]\nname = \"r\"\nmatch = true\naction = \"sign\"",
          {"3:9: 'match' must be a table."}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"sign\"\ngrant = []",
          {"5:9: 'grant' must be a table."}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"sign\"\nstrip = \"yes\"",
          {"5:9: 'strip' must be true or false."}}});
  struct Case {
    std::string match;
    const char* message;
  };
  for (const Case& row : std::vector<Case>{
           {"certname = 1", "3:22: 'certname' must be a text or a list of texts."},
           {"certname = [\"a\", 1]", "3:22: 'certname' must be a text or a list of texts."},
           {"source = true", "3:20: 'source' must be a text or a list of texts."},
           {"key_bits_min = \"a\"", "3:26: 'key_bits_min' must be a whole number from 0 to 16384."},
           {"key_bits_min = -1", "3:26: 'key_bits_min' must be a whole number from 0 to 16384."},
           {"live_certificate = 1", "3:30: 'live_certificate' must be true or false."},
           {"extensions = \"pp_role\"", "3:24: 'extensions' must be a table."},
           {"extensions = { pp_role = 1 }", "3:36: 'pp_role' must be a text or a list of texts."},
           {"san = 1", "3:17: 'san' must be a text in quotes."}}) {
    check({{with(row.match).c_str(), {row.message}}});
  }
}

TEST(PolicyFile, ConditionsThatMeanNothing) {
  struct Case {
    std::string match;
    const char* message;
  };
  for (const Case& row : std::vector<Case>{
           {"", "3:9: the match is empty. Write match = { any = true }"},
           {"any = false", "3:17: 'any' is true and stands alone"},
           {"any = true, san = \"none\"", "3:17: 'any' is true and stands alone"},
           {"certname = []", "3:22: 'certname' is an empty list, which nothing can match."},
           {"certname_file = []", "3:27: 'certname_file' is an empty list"},
           {"certname_regex = []", "3:28: 'certname_regex' is an empty list"},
           {"source = []", "3:20: 'source' is an empty list"},
           {"key = []", "3:17: 'key' is an empty list"},
           {"san_dns = []", "3:21: 'san_dns' is an empty list"},
           {"san_ip = []", "3:20: 'san_ip' is an empty list"},
           {"challenge_password = []", "3:32: 'challenge_password' is an empty list"},
           {"extensions = {}", "3:24: 'extensions' is empty. Name something"},
           {"extensions = { pp_role = [] }", "3:36: 'pp_role' is an empty list"},
           {"extensions = { pp_role = false }", "3:36: 'pp_role' must be true"},
           {"extensions = { pp_role = \"a\", \"1.3.6.1.4.1.34380.1.1.13\" = \"b\" }",
            "3:70: '1.3.6.1.4.1.34380.1.1.13' is named twice here."},
           {"san = \"none\", san_dns = \"a\"",
            "3:35: 'san_dns' and san = \"none\" never hold together."},
           {"san = \"some\"", "3:17: 'san' is \"none\" or \"any\"."}}) {
    check({{with(row.match).c_str(), {row.message}}});
  }
}

TEST(PolicyFile, ValuesThatAreNotWhatTheyShouldBe) {
  struct Case {
    std::string match;
    const char* message;
  };
  for (const Case& row : std::vector<Case>{
           {"certname_regex = 'web-('",
            "3:28: 'web-(' is not a regular expression: missing ): web-(. Correct it; the syntax "
            "is RE2's."},
           {"certname_regex = ['a', 'b[']", "3:28: 'b[' is not a regular expression"},
           {"certname_regex = '(?=a)'", "3:28: '(?=a)' is not a regular expression"},
           {"certname_regex = '(a)\\1'", "3:28: '(a)\\1' is not a regular expression"},
           {"certname_regex = '((a{1000}){1000}){1000}'", "is not a regular expression"},
           {"san_dns = '*'", "3:21: '*' is not a regular expression"},
           {"extensions = { pp_role = '(' }", "3:36: '(' is not a regular expression"},
           {"certname = \"Web\"", "3:22: 'Web' is neither a certname nor a glob."},
           {"certname = \"*\"", "3:22: '*' is neither a certname nor a glob."},
           {"certname = \"web-*\"", "3:22: 'web-*' is neither a certname nor a glob."},
           {"certname = \"*.*.com\"", "3:22: '*.*.com' is neither a certname nor a glob."},
           {"certname = \"a\\n\"", "3:22: 'a\\x0a' is neither a certname nor a glob."},
           {"source = \"10.0.0.1/8\"", "3:20: '10.0.0.1/8' is not an address range."},
           {"source = \"10.0.0.0/33\"", "3:20: '10.0.0.0/33' is not an address range."},
           {"source = \"10.0.0.0/\"", "3:20: '10.0.0.0/' is not an address range."},
           {"source = \"10.0.0.0/-1\"", "3:20: '10.0.0.0/-1' is not an address range."},
           {"source = \"10.0.0.0/8 \"", "3:20: '10.0.0.0/8 ' is not an address range."},
           {"source = \"10.0.0.0/8/8\"", "3:20: '10.0.0.0/8/8' is not an address range."},
           {"source = \"10.0/8\"", "3:20: '10.0/8' is not an address range."},
           {"source = \"fe80::1%eth0\"", "3:20: 'fe80::1%eth0' is not an address range."},
           {"source = \"2001:db8::/129\"", "3:20: '2001:db8::/129' is not an address range."},
           {"source = [\"10.0.0.0/8\", \"lan\"]", "3:20: 'lan' is not an address range."},
           {"source = \"\"", "3:20: '' is not an address range."},
           {"san_ip = \"lan\"", "3:20: 'lan' is not an address range."},
           {"key = \"dsa\"", "3:17: 'dsa' is no kind of key. Use rsa, rsa:4096"},
           {"key = \"ec:P-224\"", "3:17: 'ec:P-224' is no kind of key."},
           {"key = \"rsa:\"", "3:17: 'rsa:' is no kind of key."},
           {"key = \"rsa:04096\"", "3:17: 'rsa:04096' is no kind of key."},
           {"key = \"rsa:4k\"", "3:17: 'rsa:4k' is no kind of key."},
           {"extensions = { pp_rolle = true }",
            "3:37: 'pp_rolle' is neither a Puppet short name (pp_role) nor an OID."},
           {"extensions = { \"1.2.03\" = true }", "3:37: '1.2.03' is neither"},
           {"attributes = { \"3.2.1\" = true }", "3:36: '3.2.1' is neither"},
           {"attributes = { \"1.2.840.113549.1.9.7\" = 'x' }",
            "3:51: the challenge password is matched by challenge_password only."},
           {"challenge_password = \"seven77\"",
            "3:32: a challenge password needs at least 8 characters."}}) {
    const std::string message = row.message;
    const auto parsed = parse(with(row.match));
    ASSERT_TRUE(parsed.has_error()) << row.match;
    EXPECT_NE(parsed.error().detail.find(message), std::string::npos) << row.match << "\n"
                                                                      << parsed.error().detail;
  }
}

TEST(PolicyFile, TheNameOfARuleHasABound) {
  const auto named = [](std::size_t length) {
    return parse("[[rule]]\nname = \"" + std::string(length, 'n') +
                 "\"\naction = \"sign\"\nmatch = { any = true }");
  };
  EXPECT_TRUE(named(128).has_value());
  ASSERT_TRUE(named(129).has_error());
  EXPECT_NE(named(129).error().detail.find("2:8: the name of a rule is one line of at most 128"),
            std::string::npos);
}

TEST(PolicyFile, RulesThatAreNotWhole) {
  check({{"[[rule]]\nmatch = { any = true }\naction = \"sign\"", {"1:1: a rule needs a name."}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }",
          {"1:1: 'action' must be \"sign\", \"queue\" or \"deny\"."}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"allow\"",
          {"4:10: 'action' must be \"sign\", \"queue\" or \"deny\"."}},
         {"[[rule]]\nname = \"a\\nb\"\naction = \"sign\"\nmatch = { any = true }",
          {"2:8: the name of a rule is one line of at most 128 bytes."}},
         {"[[rule]]\nname = \"r\"\naction = \"sign\"",
          {"1:1: rule 'r' has no match. Write match = { any = true }"}},
         {"[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"sign\"\nprofile = \"agnet\"",
          {"5:11: there is no profile 'agnet'. Known are: agent, server."}},
         {"[[rule]]\nname = \"r\"\nmatch = { san = \"any\" }\naction = \"sign\"\n"
          "[[rule]]\nname = \"r\"\nmatch = { san = \"none\" }\naction = \"sign\"\n",
          {"6:8: there is a rule 'r' already, at /etc/cs/policy.toml:2:8. Give this one another "
           "name."}}});
}

TEST(PolicyFile, GrantsThatCannotBe) {
  struct Case {
    std::string grant;
    const char* message;
  };
  for (const Case& row : std::vector<Case>{
           {"dns = \"a b\"", "5:17: 'a b' is no DNS name."},
           {"dns = \"a..b\"", "5:17: 'a..b' is no DNS name."},
           {"dns = \"a.*.b\"", "5:17: 'a.*.b' is no DNS name."},
           {"dns = \"*\"", "5:17: '*' is no DNS name."},
           {"dns = \"\"", "5:17: '' is no DNS name."},
           {"dns = \"{certname} x\"", "5:17: '{certname} x' is no DNS name."},
           {"ip = \"lan\"", "5:16: 'lan' is not an address range."},
           {"uri = \"x:{name}\"", "5:17: 'x:{name}' has a mark that is not known."},
           {"email = \"root@{Certname}\"", "5:19: 'root@{Certname}' has a mark"},
           {"extensions = \"pp_rolle\"", "5:24: 'pp_rolle' is neither a Puppet short name"},
           {"extensions = \"pp_cli_auth\"", "5:24: pp_cli_auth makes an operator"},
           {"extensions = \"1.3.6.1.4.1.34380.1.3.39\"", "5:24: pp_cli_auth makes an operator"},
           {"extensions = [\"*\", \"pp_cli_auth\"]", "5:24: pp_cli_auth makes an operator"},
           {"extensions = \"2.5.29.19\"", "5:24: '2.5.29.19' cannot be granted"}}) {
    check({{(signing("any = true") + "grant = { " + row.grant + " }").c_str(), {row.message}}});
  }
  const std::string deny = "[[rule]]\nname = \"r\"\nmatch = { any = true }\naction = \"deny\"\n";
  check({{(deny + "grant = { dns = \"a\" }").c_str(), {"5:9: a rule that denies grants nothing"}},
         {(deny + "strip = true").c_str(), {"5:9: a rule that denies grants nothing"}}});
}

TEST(PolicyFile, AllowlistFilesThatAreMissingOrWrong) {
  for (const auto& [match, message] : std::vector<std::pair<std::string, const char*>>{
           {"certname_file = \"none.txt\"",
            "3:27: cannot open /etc/cs/none.txt: No such file or directory. Make the file, or "
            "correct the name."},
           {"certname_file = \"bad.txt\"",
            "3:27: /etc/cs/bad.txt:3: this line is no certname and no '*.' glob."}}) {
    check({{with(match).c_str(), {message}}});
  }
}

TEST(PolicyFile, AllErrorsAreReportedAtOnce) {
  check(
      {{"default = \"no\"\n"
        "[[rule]]\nname = \"a\"\nmatch = { source = \"x\", key = \"y\" }\naction = \"sign\"\n"
        "[[rule]]\nname = \"b\"\nmatch = { any = true }\naction = \"go\"\nmore = 1\n",
        {"1:11: 'default' must be", "4:20: 'x' is not an address range.",
         "4:31: 'y' is no kind of key.", "9:10: 'action' must be", "10:1: unknown key 'more'."}}});
}

TEST(PolicyFile, ProfilesAreNotCheckedWhereThereIsNoServiceConfiguration) {
  LoadContext context;
  context.any_profile = true;
  EXPECT_TRUE(RuleSet::parse(signing("any = true", "profile = \"x\""), "p.toml", context));
}

TEST(PolicyFile, ThatCannotBeReadIsAnErrorOfTheFile) {
  const MemoryFiles files;
  LoadContext context;
  context.files = &files;
  const auto loaded = RuleSet::load("/etc/cs/none.toml", context);
  ASSERT_TRUE(loaded.has_error());
  EXPECT_EQ(loaded.error().code, Code::not_found);
  EXPECT_NE(loaded.error().detail.find("/etc/cs/none.toml"), std::string::npos);
}

TEST(PolicyFile, ListsAreWatchedByTheirAbsolutePaths) {
  MemoryFiles files;
  const auto path = std::filesystem::absolute("sub/allow.txt").lexically_normal();
  files.contents[path.string()] = "a\n";
  LoadContext context;
  context.files = &files;
  const auto parsed =
      RuleSet::parse(signing(R"(certname_file = "./allow.txt")"), "sub/p.toml", context);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().detail;
  EXPECT_EQ((*parsed)->files(), std::vector<std::filesystem::path>{path});
}

}  // namespace
}  // namespace countersign::policy
