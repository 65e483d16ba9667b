#include "cli/service_config.h"

#include <algorithm>

#include "base/config_reader.h"
#include "base/file_system.h"
#include "cli/service_config_parts.h"
#include "policy/facts.h"

namespace countersign::cli {
namespace {

constexpr std::size_t kConfigBytes = 1U << 20U;
using std::chrono::milliseconds;

// The text of a key that must be there.
std::string needed(ConfigTable& table, std::string_view key) {
  auto value = table.text(key);
  if (!value && !table.has(key)) {
    table.complain("", "the key '" + std::string(key) + "' is missing.");
  }
  return value.value_or("");
}

void read_key_usage(ConfigTable& table, ca::Profile& profile) {
  const auto names = table.texts("key_usage");
  if (!names) return;
  static constexpr std::pair<std::string_view, unsigned> kBits[] = {
      {"digitalSignature", x509::kDigitalSignature},
      {"contentCommitment", x509::kContentCommitment},
      {"keyEncipherment", x509::kKeyEncipherment},
      {"dataEncipherment", x509::kDataEncipherment},
      {"keyAgreement", x509::kKeyAgreement}};
  profile.key_usage = 0;
  for (const std::string& name : *names) {
    const auto* bit = std::ranges::find(kBits, name, &std::pair<std::string_view, unsigned>::first);
    if (bit == std::end(kBits)) {
      table.complain("key_usage", "'" + name +
                                      "' is no key usage of a leaf. Use digitalSignature, "
                                      "keyEncipherment, keyAgreement, dataEncipherment or "
                                      "contentCommitment.");
    } else {
      profile.key_usage |= bit->second;
    }
  }
  if (profile.key_usage == 0) table.complain("key_usage", "at least one key usage is needed.");
}

void read_extended_key_usage(ConfigTable& table, ca::Profile& profile) {
  const auto names = table.texts("extended_key_usage");
  if (!names) return;
  profile.extended_key_usage.clear();
  for (const std::string& name : *names) {
    std::string oid = name == "serverAuth"   ? std::string(x509::oid::kServerAuth)
                      : name == "clientAuth" ? std::string(x509::oid::kClientAuth)
                                             : policy::oid_of(name);
    if (oid.empty()) {
      table.complain("extended_key_usage",
                     "'" + name + "' is neither serverAuth, clientAuth nor an OID.");
    } else {
      profile.extended_key_usage.push_back(std::move(oid));
    }
  }
  if (profile.extended_key_usage.empty()) {
    table.complain("extended_key_usage", "at least one purpose is needed.");
  }
}

ca::Profile read_profile(ConfigTable& table, ca::Profile profile) {
  profile.validity = table.duration("validity").value_or(profile.validity);
  if (profile.validity.count() <= 0) table.complain("validity", "'validity' must be over 0.");
  profile.backdate = table.duration("backdate").value_or(profile.backdate);
  read_key_usage(table, profile);
  read_extended_key_usage(table, profile);
  const std::vector<std::string> none;
  profile.crl_distribution_points = table.texts("crl_distribution_points").value_or(none);
  profile.ocsp = table.texts("ocsp").value_or(none);
  profile.ca_issuers = table.texts("ca_issuers").value_or(none);
  table.done();
  return profile;
}

void read_profiles(ConfigTable& root, ca::AuthorityConfig& config) {
  config.profiles["agent"] = {};
  config.profiles["server"] = {.name = "server", .validity = std::chrono::days(90)};
  auto profiles = root.table("profile");
  if (!profiles) return;
  for (const std::string& name : profiles->keys()) {
    auto table = profiles->table(name);
    if (!table) continue;
    ca::Profile base = config.profiles.contains(name) ? config.profiles[name] : ca::Profile{};
    base.name = name;
    config.profiles[name] = read_profile(*table, std::move(base));
  }
}

// Puppet's own bound; it also keeps sums of times from overflowing.
std::optional<std::chrono::seconds> read_lifetime(ConfigTable& table, std::string_view key) {
  constexpr std::chrono::seconds kLongest = std::chrono::days(50 * 365);
  const auto read = table.duration(key);
  if (read && (read->count() <= 0 || *read > kLongest)) {
    table.complain(key, "'" + std::string(key) + "' must be over 0 and at most 50 years.");
    return std::nullopt;
  }
  return read;
}

// Is the range wider than an IPv4 /8 or an IPv6 /32, or does it hold all of IPv4? By its bits: it
// can be written in many ways.
bool nearly_everybody(const policy::Cidr& range, const std::string& text) {
  const auto network = policy::parse_address(text.substr(0, text.find('/')));
  // A range holds the network with this bit turned if its prefix ends before that bit.
  const auto ends_before = [&](std::size_t bit) {
    policy::Address turned = network.value_or(policy::Address{});
    turned.at(bit / 8) ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    return range.contains(turned);
  };
  const auto ipv4 = policy::Cidr::parse("::ffff:0:0/96");
  const bool in_ipv4 = network && ipv4->contains(*network);
  const bool all_ipv4 = range.contains(*policy::parse_address("0.0.0.0")) &&
                        range.contains(*policy::parse_address("255.255.255.255"));
  return all_ipv4 || ends_before(31) || (in_ipv4 && ends_before(96 + 7));
}

// Whoever connects from a trusted proxy is whom it says: each address is to be named on purpose.
void read_proxies(ConfigTable& table, ca::PuppetSettings& puppet) {
  const std::vector<std::string> none;
  puppet.allow_header_cert_info = table.boolean("allow_header_cert_info").value_or(false);
  const auto ranges = table.texts("trusted_proxies").value_or(none);
  for (const std::string& text : ranges) {
    const auto range = policy::Cidr::parse(text);
    if (!range) {
      table.complain("trusted_proxies", "'" + text +
                                            "' is no address and no range. Write it like "
                                            "10.1.2.3, 10.1.0.0/16 or 2001:db8::/32.");
    } else if (nearly_everybody(*range, text)) {
      table.complain("trusted_proxies",
                     "'" + text +
                         "' is everybody, or nearly: name the addresses of the proxies "
                         "alone, at most an IPv4 /8 or an IPv6 /32.");
    } else {
      puppet.trusted_proxies.push_back(*range);
    }
  }
  if (puppet.allow_header_cert_info && ranges.empty()) {
    table.complain("allow_header_cert_info",
                   "'allow_header_cert_info' needs 'trusted_proxies', the addresses of the TLS "
                   "terminators: trusted_proxies = [\"10.1.2.3\"].");
  }
  puppet.renewal_proxies = table.texts("renewal_proxies").value_or(none);
}

void read_puppet(ConfigTable& root, const std::filesystem::path& folder,
                 ca::PuppetSettings& puppet) {
  auto table = root.table("puppet");
  if (!table) return;
  using Autosign = ca::PuppetSettings::Autosign;
  puppet.enabled = table->boolean("enabled").value_or(true);
  if (table->is_boolean("autosign")) {
    puppet.autosign = *table->boolean("autosign") ? Autosign::all : Autosign::none;
  } else if (const auto path = table->text("autosign")) {
    puppet.autosign = Autosign::file;
    puppet.autosign_file = folder / *path;
  }
  puppet.autosign_deadline =
      table->duration("autosign_deadline").value_or(puppet.autosign_deadline);
  puppet.allow_duplicate_certs = table->boolean("allow_duplicate_certs").value_or(false);
  puppet.allow_subject_alt_names = table->boolean("allow_subject_alt_names").value_or(false);
  puppet.allow_authorization_extensions =
      table->boolean("allow_authorization_extensions").value_or(false);
  puppet.allow_auto_renewal = table->boolean("allow_auto_renewal").value_or(false);
  if (const auto ttl = read_lifetime(*table, "auto_renewal_cert_ttl")) {
    puppet.auto_renewal_cert_ttl = *ttl;
  }
  puppet.ca_ttl = read_lifetime(*table, "ca_ttl");
  const bool infra = table->boolean("enable_infra_crl").value_or(false);
  const auto inventory = table->text("infra_inventory");
  if (infra && inventory) puppet.infra_inventory = folder / *inventory;
  if (infra && !inventory) {
    table->complain("enable_infra_crl",
                    "'enable_infra_crl' needs infra_inventory = \"FILE\", a certname a line.");
  }
  read_proxies(*table, puppet);
  table->done();
}

void read_limits(ConfigTable& root, ServiceConfig& config) {
  auto table = root.table("limits");
  if (!table) return;
  api::Limits& limits = config.limits;
  const auto bytes = [&](std::string_view key, std::size_t& value, std::int64_t low) {
    if (const auto read = table->integer(key, low, std::int64_t{1} << 30)) {
      value = static_cast<std::size_t>(*read);
    }
  };
  const auto time = [&](std::string_view key, milliseconds& value) {
    const auto read = table->duration(key);
    if (!read) return;
    if (read->count() == 0) table->complain(key, "'" + std::string(key) + "' must be over 0.");
    value = *read;
  };
  bytes("header_bytes", limits.header_bytes, 1024);
  bytes("body_bytes", limits.body_bytes, 4096);
  bytes("connections", limits.connections, 1);
  bytes("connections_per_source", limits.connections_per_source, 1);
  bytes("handshakes_per_source", limits.handshakes_per_source, 1);
  bytes("work", config.authority.work_limit, 1);
  if (const auto ranges = table->texts("unlimited_sources")) {
    limits.unlimited_sources.clear();
    for (const std::string& text : *ranges) {
      const auto range = policy::Cidr::parse(text);
      if (range) {
        limits.unlimited_sources.push_back(*range);
      } else {
        table->complain("unlimited_sources", "'" + text +
                                                 "' is no address and no range. Write it like "
                                                 "10.1.2.3, 10.1.0.0/16 or 2001:db8::/32.");
      }
    }
  }
  time("handshake", limits.handshake);
  time("read", limits.read);
  time("write", limits.write);
  time("idle", limits.idle);
  table->done();
}

void read_log(ConfigTable& root, ServiceConfig& config) {
  auto table = root.table("log");
  if (!table) return;
  if (const auto format = table->text("format")) {
    if (*format != "logfmt" && *format != "json") {
      table->complain("format", "'format' is \"logfmt\" or \"json\".");
    }
    config.log_format = *format == "json" ? log::Format::json : log::Format::logfmt;
  }
  if (const auto level = table->text("level")) {
    static constexpr std::pair<std::string_view, log::Level> kLevels[] = {
        {"debug", log::Level::debug},
        {"info", log::Level::info},
        {"warn", log::Level::warn},
        {"error", log::Level::error}};
    const auto* known =
        std::ranges::find(kLevels, *level, &std::pair<std::string_view, log::Level>::first);
    if (known == std::end(kLevels)) {
      table->complain("level", "'level' is debug, info, warn or error.");
    } else {
      config.log_level = known->second;
    }
  }
  table->done();
}

void read_crl(ConfigTable& root, ca::AuthorityConfig& config) {
  auto table = root.table("crl");
  if (!table) return;
  config.crl_delay = table->duration("delay").value_or(config.crl_delay);
  config.crl_lifetime = table->duration("lifetime").value_or(config.crl_lifetime);
  if (config.crl_lifetime < std::chrono::minutes(1)) {
    table->complain("lifetime", "a CRL must live at least a minute.");
  }
  table->done();
}

void read_audit(ConfigTable& root, ca::AuthorityConfig& config) {
  auto table = root.table("audit");
  if (!table) return;
  config.audit_checkpoint_rows =
      table->integer("checkpoint_rows", 1, 1'000'000).value_or(config.audit_checkpoint_rows);
  config.audit_checkpoint_interval =
      table->duration("checkpoint_interval").value_or(config.audit_checkpoint_interval);
  if (config.audit_checkpoint_interval.count() <= 0) {
    table->complain("checkpoint_interval", "'checkpoint_interval' must be over 0.");
  }
  table->done();
}

void read_places(ConfigTable& root, const std::filesystem::path& folder, ServiceConfig& config) {
  if (auto listen = root.table("listen")) {
    config.listen = needed(*listen, "address");
    if (listen->has("address") && !api::is_listen_address(config.listen)) {
      listen->complain("address", "'" + config.listen +
                                      "' is not an address to listen on. Write it like "
                                      "0.0.0.0:8140 or [::]:8140.");
    }
    listen->done();
  } else {
    root.complain("", "the table [listen] is missing.");
  }
  if (auto authority = root.table("ca")) {
    config.ca_dir = folder / authority->text("dir").value_or("ca");
    config.passphrase_file = folder / authority->text("passphrase_file").value_or("ca/passphrase");
    config.authority.hostnames = authority->texts("hostnames").value_or(std::vector<std::string>{});
    if (config.authority.hostnames.empty()) {
      authority->complain("hostnames",
                          "at least one host name is needed: hostnames = [\"ca.example.com\"].");
    }
    authority->done();
  } else {
    root.complain("", "the table [ca] is missing.");
  }
  if (auto store = root.table("store")) {
    const std::string url = needed(*store, "url");
    static constexpr std::string_view kSqlite = "sqlite:";
    if (url.starts_with(kSqlite) && url.size() > kSqlite.size()) {
      config.store_file = folder / url.substr(kSqlite.size());
    } else {
      store->complain("url",
                      "'" + url + "' is no store that this version has. Use \"sqlite:FILE\".");
    }
    store->done();
  } else {
    root.complain("", "the table [store] is missing.");
  }
  if (auto policy = root.table("policy")) {
    config.authority.policy_file = folder / needed(*policy, "file");
    read_policy_guard(*policy, config.authority);
    policy->done();
  }
}

}  // namespace

Result<ServiceConfig> parse_service_config(std::string_view toml,
                                           const std::filesystem::path& file) {
  auto document = ConfigDocument::parse(toml, file.string());
  if (document.has_error()) return document.error();
  const std::filesystem::path folder = file.parent_path();
  ServiceConfig config;
  ConfigTable root = document->root();
  read_places(root, folder, config);
  read_profiles(root, config.authority);
  read_deciders(root, folder, config.authority);
  read_hooks(root, folder, config.authority);
  read_crl(root, config.authority);
  read_audit(root, config.authority);
  read_limits(root, config);
  read_log(root, config);
  read_puppet(root, folder, config.authority.puppet);
  read_identities(root, folder, config.authority);
  if (auto rest = root.table("rest")) {
    config.rest.anonymous = rest->boolean("anonymous").value_or(true);
    rest->done();
  }
  read_queue(root, config.authority);
  read_people(root, config.authority);
  root.done();
  const auto finished = document->finish();
  if (finished.has_error()) return finished.error();
  return config;
}

Result<ServiceConfig> load_service_config(const std::filesystem::path& file) {
  const auto text = system_files().read(file, kConfigBytes);
  if (text.has_error()) return text.error();
  return parse_service_config(*text, file);
}

}  // namespace countersign::cli
