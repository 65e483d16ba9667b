#include "cli/puppet_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(PuppetConf, TheServerSectionWinsOverMasterAndMainWhereverItStands) {
  const SettingsFile file = parse_puppet_conf(
      "# a comment\n"
      "ca_ttl = 1y\n"
      "[server]\n  autosign = true  \n"
      "[agent]\nca_ttl = 3y\ncertname = agent\n"
      "[master]\nautosign = false\ndns_alt_names = a,b\n"
      "[main]\nautosign=$confdir/x\ncertname = ca.example.com\n");
  EXPECT_THAT(file.damage, IsEmpty());
  EXPECT_THAT(file.values,
              ElementsAre(Pair("autosign", "true"), Pair("ca_ttl", "1y"),
                          Pair("certname", "ca.example.com"), Pair("dns_alt_names", "a,b")));
}

TEST(PuppetConf, TheModeAfterAPathIsNoPartOfIt) {
  const struct {
    std::string line, value;
  } cases[] = {
      {"autosign = $confdir/autosign.conf { mode = 664 }", "$confdir/autosign.conf"},
      {"autosign = /a b/c { owner = service, mode = 664 }", "/a b/c"},
      {"autosign = ${confdir}", "${confdir}"},
      {"autosign =", ""},
      {"autosign = a=b", "a=b"},
  };
  for (const auto& [line, value] : cases) {
    EXPECT_THAT(parse_puppet_conf(line).values, ElementsAre(Pair("autosign", value))) << line;
  }
}

TEST(PuppetConf, ALineThatIsNoSettingIsNamedByItsNumber) {
  const SettingsFile file = parse_puppet_conf("[main]\nnonsense\n[ser\n= x\nca_ttl = 1\n");
  ASSERT_EQ(file.damage.size(), 3U);
  EXPECT_EQ(file.damage[0].line, 2U);
  EXPECT_EQ(file.damage[1].line, 3U);
  EXPECT_EQ(file.damage[2].line, 4U);
  EXPECT_THAT(file.values, ElementsAre(Pair("ca_ttl", "1")));
}

TEST(CaConf, EveryWayToWriteASettingIsRead) {
  for (const char* text : {
           "certificate-authority: { allow-subject-alt-names: true }",
           "certificate-authority {\n  allow-subject-alt-names = true\n}",
           "certificate-authority: {\n  # a comment: x\n  // y = z\n"
           "  \"allow-subject-alt-names\" : \"true\" # why\n}",
           "certificate-authority.allow-subject-alt-names = true",
           "{ certificate-authority: { allow-subject-alt-names: true, }, other: { a: 1 } }",
           "certificate-authority: { certificate-status: { client-whitelist: [a, b],\n"
           " authorization-required: true }\n allow-subject-alt-names: true }",
       }) {
    const SettingsFile file = parse_ca_conf(text);
    EXPECT_THAT(file.damage, IsEmpty()) << text;
    EXPECT_THAT(file.values, ElementsAre(Pair("allow-subject-alt-names", "true"))) << text;
  }
}

TEST(CaConf, AFileThatIsCutOffIsDamaged) {
  const struct {
    std::string text;
    std::size_t line;
  } cases[] = {
      {"certificate-authority: {\n  ca-ttl: 1y\n", 3},
      {"certificate-authority: {\n  ca-ttl: \"1y\n}", 2},
      {"certificate-authority:", 1},
      {"a: 1\n}", 2},
      {std::string(100, '{'), 1},
  };
  for (const auto& [text, line] : cases) {
    const SettingsFile file = parse_ca_conf(text);
    ASSERT_FALSE(file.damage.empty()) << text;
    EXPECT_EQ(file.damage.front().line, line) << text;
  }
}

TEST(PuppetSetting, NamesThatAreKnownAreReplaced) {
  const std::map<std::string, std::string> values = {{"confdir", "/etc/p"}, {"vardir", "/var/p"}};
  const struct {
    std::string text, expanded;
  } cases[] = {
      {"$confdir/autosign.conf", "/etc/p/autosign.conf"},
      {"${vardir}x", "/var/px"},
      {"$confdir$vardir", "/etc/p/var/p"},
      {"$other/a", "$other/a"},
      {"${confdir/a", "${confdir/a"},
      {"$", "$"},
      {"plain", "plain"},
      {"", ""},
  };
  for (const auto& [text, expanded] : cases) EXPECT_EQ(expand_setting(text, values), expanded);
}

TEST(PuppetSetting, DurationsAreGivenAUnit) {
  const struct {
    std::string text, converted;
  } cases[] = {
      {"5y", "5y"},
      {"157680000", "157680000s"},
      {"1y 2d3h", "1y2d3h"},
      {"0", ""},
      {"", ""},
      {"soon", ""},
      {"-5d", ""},
      {"5w", ""},
      {"99999999999999999999", ""},
  };
  for (const auto& [text, converted] : cases) EXPECT_EQ(convert_duration(text), converted) << text;
}

}  // namespace
}  // namespace countersign::cli
