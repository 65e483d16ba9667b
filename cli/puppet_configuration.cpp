#include "cli/puppet_configuration.h"

#include <algorithm>
#include <array>

#include "cli/ca_folder.h"
#include "cli/failure.h"
#include "cli/puppet_settings.h"
#include "cli/source_file.h"
#include "policy/certname.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConfigBytes = std::size_t{1} << 20U;
constexpr std::chrono::seconds kLongestLifetime = std::chrono::days(50 * 365);

using Values = std::map<std::string, std::string>;

std::string value_of(const Values& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? std::string() : found->second;
}

// A setting with the names in it replaced, and the names in those.
std::string path_of(const Values& values, const std::string& key) {
  std::string text = value_of(values, key);
  for (int depth = 0; depth < 3; ++depth) text = expand_setting(text, values);
  return text;
}

bool same_folder(const fs::path& one, const fs::path& other) {
  std::error_code error;
  return fs::equivalent(one, other, error) && !error;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

SettingsFile read_settings(const fs::path& path, SettingsFile (*parse)(std::string_view),
                           Findings& findings) {
  const auto source = read_source(path, kConfigBytes);
  if (source.has_error()) throw Failure(kUsage, path.string() + ": " + source.error().detail);
  SettingsFile settings = parse(source->content);
  findings.add(Severity::warning, path.string(), settings.damage);
  return settings;
}

Values read_puppet_conf(const fs::path& path, Findings& findings) {
  Values values = read_settings(path, parse_puppet_conf, findings).values;
  values.try_emplace("confdir", fs::absolute(path).parent_path().string());
  values.try_emplace("ssldir", "$confdir/ssl");
  values.try_emplace("autosign", "$confdir/autosign.conf");
  return values;
}

// Is `cadir` the directory of the CA that this puppet.conf configures?
bool configures(const Values& values, const fs::path& cadir) {
  if (values.contains("cadir")) return same_folder(path_of(values, "cadir"), cadir);
  return std::ranges::any_of(
      std::array{std::string("/etc/puppetlabs/puppetserver/ca"),
                 std::string("/var/lib/puppet/ssl/ca"), path_of(values, "ssldir") + "/ca"},
      [&cadir](const std::string& usual) { return same_folder(usual, cadir); });
}

class Converter {
 public:
  Converter(PuppetConfiguration& made, Findings& findings) : made_(made), findings_(findings) {}

  void convert(const Values& puppet, const Values& ca) {
    made_.table = "[puppet]\n# Taken over from " + made_.puppet_conf.string() +
                  (made_.ca_conf.empty() ? "" : " and " + made_.ca_conf.string()) + ".\n";
    if (!made_.puppet_conf.empty()) autosign(puppet);
    flag(made_.puppet_conf, puppet, "allow_duplicate_certs", "allow_duplicate_certs");
    flag(made_.ca_conf, ca, "allow-subject-alt-names", "allow_subject_alt_names");
    flag(made_.ca_conf, ca, "allow-authorization-extensions", "allow_authorization_extensions");
    flag(made_.ca_conf, ca, "allow-auto-renewal", "allow_auto_renewal");
    duration(made_.ca_conf, ca, "auto-renewal-cert-ttl", "auto_renewal_cert_ttl");
    // The one of ca.conf wins, as in Puppet.
    if (ca.contains("ca-ttl")) {
      duration(made_.ca_conf, ca, "ca-ttl", "ca_ttl");
    } else {
      duration(made_.puppet_conf, puppet, "ca_ttl", "ca_ttl");
    }
    made_.infra_crl = truth(made_.ca_conf, ca, "enable-infra-crl");
    hostnames(puppet);
  }

 private:
  void refuse(const fs::path& file, const std::string& key, const std::string& why) {
    findings_.add(Severity::warning, file.string(), "'" + key + "' is left out: " + why);
  }

  bool truth(const fs::path& file, const Values& values, const std::string& key) {
    const std::string value = value_of(values, key);
    if (value == "true" || value == "yes" || value == "on") return true;
    if (!value.empty() && value != "false" && value != "no" && value != "off") {
      refuse(file, key, "'" + value + "' is neither true nor false.");
    }
    return false;
  }

  void flag(const fs::path& file, const Values& values, const std::string& key, const char* ours) {
    if (truth(file, values, key)) made_.table += std::string(ours) + " = true\n";
  }

  void duration(const fs::path& file, const Values& values, const std::string& key,
                const char* ours) {
    const std::string value = value_of(values, key);
    if (value.empty()) return;
    const std::string converted = convert_duration(value);
    const auto seconds = parse_duration(converted);
    if (!seconds || *seconds > kLongestLifetime) {
      return refuse(file, key, "'" + value + "' is no duration of at most 50 years.");
    }
    made_.table += std::string(ours) + " = " + quoted(converted) + "\n";
  }

  void autosign(const Values& puppet) {
    const std::string value = path_of(puppet, "autosign");
    if (value == "true" || value == "false") {
      made_.table += "autosign = " + value + "\n";
      return;
    }
    const fs::path file = fs::path(value_of(puppet, "confdir")) / value;
    if (!is_file(file)) {
      made_.table += "autosign = false\n";  // as in Puppet, where nobody is signed then
      if (value_of(puppet, "autosign") != "$confdir/autosign.conf") {
        findings_.add(Severity::warning, file.string(), "'autosign' names it, and it is no file.");
      }
      return;
    }
    using fs::perms;
    const auto any_execute = perms::owner_exec | perms::group_exec | perms::others_exec;
    if ((fs::status(file).permissions() & any_execute) != perms::none) {
      made_.table += "autosign = " + quoted(file.string()) + "\n";
      findings_.add(Severity::warning, file.string(),
                    "this autosign program stays where it is. The service's user must be able to "
                    "run it.");
      return;
    }
    const auto list = read_source(file, kConfigBytes);
    if (list.has_error()) throw Failure(kFailed, file.string() + ": " + list.error().detail);
    made_.autosign_list = list->content;
    made_.table += "autosign = \"autosign.conf\"\n";
  }

  // Agents know the CA by these.
  void hostnames(const Values& puppet) {
    std::string list = value_of(puppet, "certname") + "," + value_of(puppet, "dns_alt_names");
    while (!list.empty()) {
      const std::size_t end = list.find(',');
      std::string name = list.substr(0, end);
      list.erase(0, end == std::string::npos ? list.size() : end + 1);
      std::erase(name, ' ');
      if (name.starts_with("DNS:")) name.erase(0, 4);
      const bool known = std::ranges::find(made_.hostnames, name) != made_.hostnames.end();
      if (!known && policy::valid_dns_name(name, false)) made_.hostnames.push_back(name);
    }
  }

  PuppetConfiguration& made_;
  Findings& findings_;
};

}  // namespace

PuppetConfiguration read_puppet_configuration(fs::path puppet_conf, fs::path ca_conf,
                                              const fs::path& cadir, Findings& findings) {
  PuppetConfiguration made;
  Values puppet;
  if (!puppet_conf.empty()) {
    puppet = read_puppet_conf(puppet_conf, findings);
    made.puppet_conf = std::move(puppet_conf);
  } else {
    for (const char* usual : {"/etc/puppetlabs/puppet/puppet.conf", "/etc/puppet/puppet.conf"}) {
      Findings of_this;
      if (!is_file(usual)) continue;
      puppet = read_puppet_conf(usual, of_this);
      if (configures(puppet, cadir)) {
        for (const auto& entry : of_this.entries()) findings.add(entry);
        made.puppet_conf = usual;
        break;
      }
      puppet.clear();
    }
  }
  if (ca_conf.empty() && !made.puppet_conf.empty()) {
    const fs::path beside = fs::absolute(made.puppet_conf).parent_path();
    for (const char* usual : {"ca.conf", "conf.d/ca.conf", "puppetserver/conf.d/ca.conf",
                              "../puppetserver/conf.d/ca.conf"}) {
      if (ca_conf.empty() && is_file(beside / usual)) {
        ca_conf = (beside / usual).lexically_normal();
      }
    }
  }
  Values ca;
  if (!ca_conf.empty()) ca = read_settings(ca_conf, parse_ca_conf, findings).values;
  made.ca_conf = std::move(ca_conf);
  for (const auto& [path, name, option] :
       {std::tuple(&made.puppet_conf, "puppet.conf", "--puppet-conf"),
        std::tuple(&made.ca_conf, "ca.conf", "--ca-conf")}) {
    if (!path->empty()) continue;
    findings.add(Severity::warning, name,
                 std::string("none was found for this CA: Puppet's defaults are taken for what it "
                             "would say. ") +
                     option + " names one.");
  }
  if (!made.puppet_conf.empty() || !made.ca_conf.empty()) {
    Converter(made, findings).convert(puppet, ca);
  }
  return made;
}

}  // namespace countersign::cli
