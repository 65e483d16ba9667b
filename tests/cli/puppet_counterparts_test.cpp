#include "cli/puppet_counterparts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kNeeded =
    "[listen]\naddress = \"127.0.0.1:8140\"\n[ca]\nhostnames = [\"ca.test\"]\n"
    "[store]\nurl = \"sqlite:/ca/x.db\"\n[policy]\nfile = \"policy.toml\"\n";

PuppetCounterparts counterparts(const std::string& tables, const std::string& policy = "") {
  const auto config = parse_service_config(kNeeded + tables, "/ca/countersign.toml");
  const auto rules = policy::RuleSet::parse(policy, "/ca/policy.toml", {});
  return puppet_counterparts(config.value(), *rules.value());
}

TEST(PuppetCounterparts, EverySettingOfPuppetHasTheOneThatMeansTheSame) {
  const struct {
    std::string ours, key, value;
  } cases[] = {
      {"", "autosign", "false"},
      {"autosign = true", "autosign", "true"},
      {"autosign = false", "autosign", "false"},
      {"autosign = \"autosign.conf\"", "autosign", "/ca/autosign.conf"},
      {"", "allow_duplicate_certs", "false"},
      {"allow_duplicate_certs = true", "allow_duplicate_certs", "true"},
      {"", "ca_ttl", "1825d"},
      {"ca_ttl = \"90d\"", "ca_ttl", "90d"},
      {"ca_ttl = \"36h\"", "ca_ttl", "129600s"},
  };
  for (const auto& [ours, key, value] : cases) {
    EXPECT_THAT(counterparts("[puppet]\n" + ours + "\n").puppet_conf, Contains(Pair(key, value)))
        << ours;
  }
  const auto renewing = counterparts(
      "[puppet]\nallow_subject_alt_names = true\nallow_authorization_extensions = true\n"
      "allow_auto_renewal = true\nauto_renewal_cert_ttl = \"60d\"\n");
  EXPECT_THAT(renewing.ca_conf, testing::ElementsAre(Pair("allow-subject-alt-names", "true"),
                                                     Pair("allow-authorization-extensions", "true"),
                                                     Pair("allow-auto-renewal", "true"),
                                                     Pair("auto-renewal-cert-ttl", "60d")));
}

TEST(PuppetCounterparts, TheDefaultOfAPolicyWithoutRulesIsAutosign) {
  EXPECT_THAT(counterparts("", "default = \"sign\"\n").puppet_conf,
              Contains(Pair("autosign", "true")));
  EXPECT_THAT(counterparts("", "default = \"queue\"\n").puppet_conf,
              Contains(Pair("autosign", "false")));
  EXPECT_THAT(counterparts("[puppet]\nautosign = false\n", "default = \"sign\"\n").puppet_conf,
              Contains(Pair("autosign", "false")));
}

TEST(PuppetCounterparts, WhatHasNoneIsSaid) {
  const std::string rule =
      "[[rule]]\nname = \"all\"\nmatch = { certname_regex = '.*' }\naction = \"sign\"\n";
  const struct {
    std::string tables, policy, said;
  } cases[] = {
      {"", rule, "1 rule of /ca/policy.toml"},
      {"", "default = \"deny\"\n", "deny"},
      {"[profile.agent]\nkey_usage = [\"digitalSignature\"]\n", "", "[profile.agent]"},
      {"[profile.short]\nvalidity = \"1h\"\n", "", "[profile.short]"},
      {"[operators]\ncertnames = [\"boss.test\"]\n", "", "boss.test"},
      {"[puppet]\nautosign = \"run\"\n", "", "autosign_deadline"},
      {"[puppet]\nautosign = \"autosign.conf\"\n", "", "copy /ca/autosign.conf to"},
      {"[puppet]\nenable_infra_crl = true\ninfra_inventory = \"infra.txt\"\n", "",
       "enable_infra_crl"},
      {"[puppet]\nallow_header_cert_info = true\ntrusted_proxies = [\"10.1.2.3\"]\n", "",
       "trusted_proxies"},
      {"[puppet]\nrenewal_proxies = [\"proxy.test\"]\n", "", "renewal_proxies"},
  };
  const auto plain = counterparts("").without;
  for (const auto& [tables, policy, said] : cases) {
    EXPECT_THAT(counterparts(tables, policy).without, Contains(HasSubstr(said))) << said;
    EXPECT_THAT(plain, Not(Contains(HasSubstr(said)))) << said;
  }
  // A rule could sign what autosign = true would sign too, and more: it never becomes that.
  EXPECT_THAT(counterparts("", "default = \"sign\"\n" + rule).puppet_conf,
              Contains(Pair("autosign", "false")));
}

}  // namespace
}  // namespace countersign::cli
