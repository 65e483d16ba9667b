#include "cli/service_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

using std::chrono::days;
using testing::HasSubstr;

constexpr const char* kLeast = R"([listen]
address = "127.0.0.1:8140"
[ca]
hostnames = ["ca.example.com"]
[store]
url = "sqlite:countersign.db"
)";

Result<ServiceConfig> parse(const std::string& more) {
  return parse_service_config(kLeast + more, "/etc/countersign/countersign.toml");
}

TEST(ServiceConfig, TheLeastThatIsNeededHasUsefulDefaults) {
  const auto config = parse("");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  EXPECT_EQ(config->listen, "127.0.0.1:8140");
  EXPECT_EQ(config->store_file, "/etc/countersign/countersign.db");
  EXPECT_EQ(config->ca_dir, "/etc/countersign/ca");
  EXPECT_EQ(config->passphrase_file, "/etc/countersign/ca/passphrase");
  EXPECT_TRUE(config->authority.profiles.contains("agent"));
  EXPECT_TRUE(config->authority.profiles.contains("server"));
  EXPECT_TRUE(config->authority.puppet.enabled);
  EXPECT_EQ(config->authority.puppet.autosign, ca::PuppetSettings::Autosign::unset);
  EXPECT_TRUE(config->rest.anonymous);
}

TEST(ServiceConfig, EveryTableIsRead) {
  const auto config = parse(R"(
[policy]
file = "policy.toml"
[profile.agent]
validity = "90d"
[profile.vpn]
extended_key_usage = ["clientAuth", "1.3.6.1.5.5.7.3.17"]
key_usage = ["digitalSignature"]
crl_distribution_points = ["http://ca.example.com/crl"]
[crl]
delay = "1s"
lifetime = "1d"
[audit]
checkpoint_rows = 50
checkpoint_interval = "30s"
[limits]
connections = 10
read = "3s"
[log]
format = "json"
level = "warn"
[rest]
anonymous = false
[operators]
certnames = ["ops1"]
[puppet]
autosign = "/etc/autosign.conf"
autosign_deadline = "5s"
allow_subject_alt_names = true
ca_ttl = "5y"
enable_infra_crl = true
infra_inventory = "infra_inventory.txt"
allow_header_cert_info = true
trusted_proxies = ["10.1.2.3", "2001:db8::/32"]
renewal_proxies = ["compiler1.example.com"]
)");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  const ca::AuthorityConfig& authority = config->authority;
  EXPECT_EQ(authority.policy_file, "/etc/countersign/policy.toml");
  EXPECT_EQ(authority.profiles.at("agent").validity, days(90));
  EXPECT_EQ(authority.profiles.at("vpn").extended_key_usage.size(), 2U);
  EXPECT_EQ(authority.profiles.at("vpn").key_usage, x509::kDigitalSignature);
  EXPECT_EQ(authority.crl_lifetime, days(1));
  EXPECT_EQ(authority.audit_checkpoint_rows, 50);
  EXPECT_EQ(authority.audit_checkpoint_interval, std::chrono::seconds(30));
  EXPECT_EQ(config->limits.connections, 10U);
  EXPECT_EQ(config->limits.read, std::chrono::seconds(3));
  EXPECT_EQ(config->log_format, log::Format::json);
  EXPECT_EQ(config->log_level, log::Level::warn);
  EXPECT_FALSE(config->rest.anonymous);
  EXPECT_EQ(authority.operators, std::vector<std::string>{"ops1"});
  EXPECT_EQ(authority.puppet.autosign, ca::PuppetSettings::Autosign::file);
  EXPECT_EQ(authority.puppet.autosign_file, "/etc/autosign.conf");
  EXPECT_TRUE(authority.puppet.allow_subject_alt_names);
  EXPECT_EQ(authority.puppet.ca_ttl, std::chrono::seconds(days(5 * 365)));
  EXPECT_EQ(authority.puppet.infra_inventory, "/etc/countersign/infra_inventory.txt");
  EXPECT_TRUE(authority.puppet.allow_header_cert_info);
  ASSERT_EQ(authority.puppet.trusted_proxies.size(), 2U);
  EXPECT_TRUE(authority.puppet.trusted_proxies[0].contains(*policy::parse_address("10.1.2.3")));
  EXPECT_EQ(authority.puppet.renewal_proxies, std::vector<std::string>{"compiler1.example.com"});
}

TEST(ServiceConfig, DecidersAndHooksAreReadByName) {
  const auto config = parse(R"(
[decider.inventory]
url = "https://inventory.example.com/ask"
ca_file = "inventory.pem"
client_cert_file = "/pki/me.pem"
token_file = "token"
deadline = "2s"
concurrency = 3
waiting = 0
failures = 7
pause = "1m"
send_csr = true
[decider.script]
program = "decide"
[hook.chat]
on = ["queued", "expiring"]
url = "https://chat.example.com/"
secret_file = "secret"
match = "^web"
rules = "web tier"
expiring_before = "30d"
give_up_after = "1d"
most_waiting = 500
[hook.script]
on = "issued"
program = "/usr/local/bin/tell"
deadline = "1m"
)");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  const auto& deciders = config->authority.deciders;
  ASSERT_EQ(deciders.size(), 2U);
  const ca::DeciderSettings& inventory = deciders.at("inventory");
  EXPECT_EQ(inventory.endpoint.url, "https://inventory.example.com/ask");
  EXPECT_EQ(inventory.endpoint.ca_file, "/etc/countersign/inventory.pem");
  EXPECT_EQ(inventory.endpoint.client_cert_file, "/pki/me.pem");
  EXPECT_EQ(inventory.endpoint.client_key_file, "");
  EXPECT_EQ(inventory.endpoint.token_file, "/etc/countersign/token");
  EXPECT_EQ(inventory.deadline, std::chrono::seconds(2));
  EXPECT_EQ(inventory.concurrency, 3U);
  EXPECT_EQ(inventory.waiting, 0U);
  EXPECT_EQ(inventory.failures, 7);
  EXPECT_EQ(inventory.pause, std::chrono::minutes(1));
  EXPECT_TRUE(inventory.send_csr);
  EXPECT_EQ(deciders.at("script").program, "/etc/countersign/decide");
  EXPECT_EQ(deciders.at("script").deadline, std::chrono::seconds(5));
  const auto& hooks = config->authority.hooks;
  ASSERT_EQ(hooks.size(), 2U);
  const ca::HookSettings& chat = hooks.at("chat");
  EXPECT_EQ(chat.on, (std::set{ca::HookEvent::queued, ca::HookEvent::expiring}));
  EXPECT_EQ(chat.secret_file, "/etc/countersign/secret");
  EXPECT_EQ(chat.match, "^web");
  EXPECT_EQ(chat.rules, std::set<std::string>{"web tier"});
  EXPECT_EQ(chat.expiring_before, days(30));
  EXPECT_EQ(chat.give_up_after, days(1));
  EXPECT_EQ(chat.most_waiting, 500);
  EXPECT_EQ(hooks.at("script").program, "/usr/local/bin/tell");
  EXPECT_EQ(hooks.at("script").deadline, std::chrono::minutes(1));
}

TEST(ServiceConfig, AnInfraInventoryThatIsNotEnabledIsNotUsed) {
  const auto config = parse("[puppet]\ninfra_inventory = \"names\"\n");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  EXPECT_TRUE(config->authority.puppet.infra_inventory.empty());
}

TEST(ServiceConfig, EveryErrorNamesItsPlaceAndWhatToDo) {
  const struct {
    const char* toml;
    std::vector<const char*> said;
  } cases[] = {
      {"[limits]\nconections = 5\n", {"countersign.toml:8:", "conections", "connections"}},
      {"[limts]\n", {"countersign.toml:7:", "limts", "limits"}},
      {"[limits]\nconnections = 0\n", {"countersign.toml:8:", "connections"}},
      {"[limits]\nread = \"soon\"\n", {"countersign.toml:8:", "read"}},
      {"[limits]\nhandshake = \"0s\"\n", {"countersign.toml:8:", "over 0"}},
      {"[profile.agent]\nvalidity = \"0s\"\n", {"countersign.toml:8:", "validity"}},
      {"[profile.agent]\nextended_key_usage = [\"web\"]\n", {":8:", "web", "serverAuth"}},
      {"[profile.agent]\nkey_usage = [\"keyCertSign\"]\n", {":8:", "keyCertSign"}},
      {"[crl]\nlifetime = \"10s\"\n", {":8:", "minute"}},
      {"[audit]\ncheckpoint_rows = 0\n", {":8:", "checkpoint_rows"}},
      {"[audit]\ncheckpoint_interval = \"0s\"\n", {":8:", "over 0"}},
      {"[log]\nformat = \"xml\"\n", {":8:", "logfmt", "json"}},
      {"[log]\nlevel = \"loud\"\n", {":8:", "debug"}},
      {"[puppet]\nca_ttl = 5\n", {":8:", "ca_ttl"}},
      {"[puppet]\nca_ttl = \"51y\"\n", {":8:", "50 years"}},
      {"[puppet]\nauto_renewal_cert_ttl = \"0s\"\n", {":8:", "over 0"}},
      {"[puppet]\nenable_infra_crl = true\n", {":8:", "infra_inventory"}},
      {"[puppet]\nallow_header_cert_info = true\n", {":8:", "needs 'trusted_proxies'"}},
      {"[puppet]\nallow_header_cert_info = true\ntrusted_proxies = []\n",
       {":8:", "needs 'trusted_proxies'"}},
      {"[puppet]\ntrusted_proxies = [\"10.1.2.3/8\"]\n", {":8:", "10.1.2.3/8", "no range"}},
      {"[puppet]\ntrusted_proxies = [\"lb.example.com\"]\n", {":8:", "no address"}},
      {"[puppet]\ntrusted_proxies = [\"0.0.0.0/0\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"::/0\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"0.0.0.0/00\"]\n", {":8:", "no range"}},
      {"[puppet]\ntrusted_proxies = [\"::ffff:0.0.0.0/96\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"::/1\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"8000::/1\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"0.0.0.0/1\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"128.0.0.0/1\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"10.0.0.0/7\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"::ffff:10.0.0.0/103\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"::/64\"]\n", {":8:", "everybody"}},
      {"[puppet]\ntrusted_proxies = [\"2001::/31\"]\n", {":8:", "everybody"}},
      {"[rest]\nanonymous = \"no\"\n", {":8:", "anonymous"}},
      {"[listen\n", {"countersign.toml:7:"}},
  };
  for (const auto& [toml, said] : cases) {
    const auto config = parse(toml);
    ASSERT_TRUE(config.has_error()) << toml;
    EXPECT_EQ(config.error().code, Code::malformed);
    for (const char* part : said) EXPECT_THAT(config.error().detail, HasSubstr(part)) << toml;
  }
}

TEST(ServiceConfig, AMissingTableAndAStoreThatIsNotThereAreNamed) {
  const auto none = parse_service_config("", "c.toml");
  ASSERT_TRUE(none.has_error());
  for (const char* table : {"[listen]", "[ca]", "[store]"}) {
    EXPECT_THAT(none.error().detail, HasSubstr(table));
  }
  const auto store = parse_service_config(
      "[listen]\naddress = \"a\"\n[ca]\nhostnames = [\"a\"]\n[store]\nurl = \"mysql:x\"\n",
      "c.toml");
  ASSERT_TRUE(store.has_error());
  EXPECT_THAT(store.error().detail, HasSubstr("c.toml:6:"));
  EXPECT_THAT(store.error().detail, HasSubstr("sqlite:"));
}

TEST(ServiceConfig, RequestsExpireAfterThirtyDaysUnlessItSaysOtherwise) {
  EXPECT_EQ(parse("")->authority.queue_expire_after, std::chrono::seconds(days(30)));
  EXPECT_EQ(parse("[queue]\nexpire_after = \"12h\"")->authority.queue_expire_after,
            std::chrono::seconds(std::chrono::hours(12)));
  EXPECT_FALSE(parse("[queue]\nexpire_after = \"never\"")->authority.queue_expire_after);
  for (const char* bad : {"\"0s\"", "\"soon\"", "\"\"", "30", "false"}) {
    const auto config = parse("[queue]\nexpire_after = " + std::string(bad));
    ASSERT_TRUE(config.has_error()) << bad;
    EXPECT_THAT(config.error().detail, HasSubstr("expire_after")) << bad;
  }
}

TEST(ServiceConfig, ACertnameBelongsToOnePerson) {
  const auto config =
      parse("[operators]\npeople = { alice = [\"alice\", \"alice-desk\"], bob = \"bob-1\" }");
  ASSERT_TRUE(config.has_value()) << config.error().detail;
  const std::map<std::string, std::string> people = {
      {"alice", "alice"}, {"alice-desk", "alice"}, {"bob-1", "bob"}};
  EXPECT_EQ(config->authority.people, people);
  for (const char* bad : {"{ alice = [\"x\"], bob = [\"x\"] }", "{ alice = [\"x\", \"x\"] }",
                          "{ alice = [\"bob\"], bob = [\"x\"] }", "{ alice = 1 }"}) {
    EXPECT_TRUE(parse("[operators]\npeople = " + std::string(bad)).has_error()) << bad;
  }
}

}  // namespace
}  // namespace countersign::cli
