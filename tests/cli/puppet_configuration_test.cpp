#include "cli/puppet_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/failure.h"
#include "cli/service_config.h"
#include "tests/cli/cadir_maker.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::get;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::put;

class PuppetConfigurationTest : public ::testing::Test {
 protected:
  PuppetConfigurationTest() { fs::create_directories(dir / "conf/ca"); }
  ~PuppetConfigurationTest() override { fs::remove_all(dir); }
  PuppetConfigurationTest(const PuppetConfigurationTest&) = delete;
  PuppetConfigurationTest& operator=(const PuppetConfigurationTest&) = delete;

  PuppetConfiguration read(const std::string& puppet_conf, const std::string& ca_conf) {
    findings = {};
    put(dir / "conf/puppet.conf", puppet_conf);
    put(dir / "conf/conf.d/ca.conf", "certificate-authority: {\n" + ca_conf + "\n}\n");
    return read_puppet_configuration(dir / "conf/puppet.conf", "", dir / "conf/ca", findings);
  }
  // What the service makes of the table.
  ca::PuppetSettings taken(const PuppetConfiguration& made) const {
    const auto config = parse_service_config(
        "[listen]\naddress = \"127.0.0.1:0\"\n[ca]\nhostnames = [\"localhost\"]\n"
        "[store]\nurl = \"sqlite:x\"\n" +
            made.table,
        dir / "countersign.toml");
    EXPECT_TRUE(config.has_value()) << made.table << config.error().detail;
    return config->authority.puppet;
  }
  static fs::path new_folder() {
    std::string name = (fs::temp_directory_path() / "countersign-test-XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  fs::path dir = new_folder();
  Findings findings;
};

TEST_F(PuppetConfigurationTest, EverySettingThatMeansSomethingHereIsTakenOver) {
  const auto made = read(
      "[main]\ncertname = ca.example.com\ndns_alt_names = puppet, DNS:puppet.example.com\n"
      "[server]\nallow_duplicate_certs = true\nautosign = true\nca_ttl = 3y\n",
      "allow-subject-alt-names: true\nallow-authorization-extensions: true\n"
      "allow-auto-renewal: true\nauto-renewal-cert-ttl: \"60d 1h\"\nenable-infra-crl: true");
  EXPECT_THAT(findings.entries(), IsEmpty());
  const auto puppet = taken(made);
  EXPECT_EQ(puppet.autosign, ca::PuppetSettings::Autosign::all);
  EXPECT_TRUE(puppet.allow_duplicate_certs);
  EXPECT_TRUE(puppet.allow_subject_alt_names);
  EXPECT_TRUE(puppet.allow_authorization_extensions);
  EXPECT_TRUE(puppet.allow_auto_renewal);
  EXPECT_EQ(puppet.auto_renewal_cert_ttl, std::chrono::hours(60 * 24 + 1));
  EXPECT_EQ(puppet.ca_ttl, std::chrono::days(3 * 365));
  EXPECT_TRUE(made.infra_crl);
  EXPECT_THAT(made.hostnames, ElementsAre("ca.example.com", "puppet", "puppet.example.com"));
}

TEST_F(PuppetConfigurationTest, WithoutSettingsThereArePuppetsDefaultsAndNobodyIsSigned) {
  const auto made = read("", "");
  EXPECT_THAT(findings.entries(), IsEmpty());
  const auto puppet = taken(made);
  EXPECT_EQ(puppet.autosign, ca::PuppetSettings::Autosign::none);
  EXPECT_FALSE(puppet.allow_duplicate_certs || puppet.allow_subject_alt_names ||
               puppet.allow_authorization_extensions || puppet.allow_auto_renewal);
  EXPECT_FALSE(puppet.ca_ttl || made.infra_crl);
}

TEST_F(PuppetConfigurationTest, TheListIsCopiedAndAProgramStaysWhereItIs) {
  put(dir / "conf/autosign.conf", "*.example.com\n");
  EXPECT_EQ(read("", "").autosign_list, "*.example.com\n");
  EXPECT_EQ(taken(read("", "")).autosign_file, dir / "autosign.conf");

  const fs::path program = dir / "it's \"the\" program";
  put(program, "#!/bin/sh\n");
  fs::permissions(program, fs::perms::owner_all);
  const auto made = read("autosign = " + program.string() + "\n", "");
  EXPECT_FALSE(made.autosign_list);
  EXPECT_EQ(taken(made).autosign_file, program);
  ASSERT_EQ(findings.entries().size(), 1U);
  EXPECT_THAT(findings.entries()[0].at.text, HasSubstr("must be able to run it"));
}

TEST_F(PuppetConfigurationTest, TheLifetimeOfCaConfWins) {
  EXPECT_EQ(taken(read("ca_ttl = 1y", "ca-ttl: 30d")).ca_ttl, std::chrono::days(30));
}

TEST_F(PuppetConfigurationTest, WhatCannotBeTakenOverIsSaid) {
  const struct {
    std::string puppet_conf, ca_conf, text;
  } cases[] = {
      {"allow_duplicate_certs = perhaps", "", "'perhaps' is neither true nor false"},
      {"ca_ttl = 51y", "", "no duration of at most 50 years"},
      {"ca_ttl = soon", "", "no duration of at most 50 years"},
      {"autosign = /nowhere/list", "", "'autosign' names it"},
      {"", "auto-renewal-cert-ttl: soon", "no duration of at most 50 years"},
      {"what is this", "", "neither `[section]` nor"},
      {"", "allow-auto-renewal: {", "a brace is not closed"},
  };
  for (const auto& [puppet_conf, ca_conf, text] : cases) {
    SCOPED_TRACE(puppet_conf + ca_conf);
    taken(read(puppet_conf, ca_conf));
    ASSERT_EQ(findings.count(Severity::warning), 1U);
    EXPECT_THAT(findings.entries()[0].at.text, HasSubstr(text));
  }
}

TEST_F(PuppetConfigurationTest, AFileThatIsNamedMustBeThere) {
  EXPECT_THROW(read_puppet_configuration(dir / "nowhere", "", dir / "conf/ca", findings), Failure);
  EXPECT_THROW(read_puppet_configuration("", dir / "nowhere", dir / "conf/ca", findings), Failure);
}

TEST_F(PuppetConfigurationTest, ThePackagesPuppetConfOfAnotherCaIsNotTaken) {
  const auto made = read_puppet_configuration("", "", dir / "conf/ca", findings);
  EXPECT_TRUE(made.puppet_conf.empty());
  EXPECT_EQ(made.table, "");
  EXPECT_EQ(findings.count(Severity::warning), 2U);
}

}  // namespace
}  // namespace countersign::cli
