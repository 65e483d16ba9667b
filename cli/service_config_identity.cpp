// [identity.NAME]: the clouds whose identity documents count.
#include <algorithm>
#include <array>
#include <utility>

#include "cli/service_config_parts.h"

namespace countersign::cli {
namespace {

using Kind = ca::IdentitySettings::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 5> kKinds = {
    {{"aws", Kind::aws},
     {"azure", Kind::azure},
     {"gcp", Kind::gcp},
     {"kubernetes", Kind::kubernetes},
     {"oidc", Kind::oidc}}};
// Google's, as its OpenID configuration names them.
constexpr std::string_view kGoogleIssuer = "https://accounts.google.com";
constexpr std::string_view kGoogleKeys = "https://www.googleapis.com/oauth2/v3/certs";

std::string needed(ConfigTable& table, std::string_view key, std::string_view why) {
  const auto value = table.text(key);
  if (!value || value->empty()) {
    table.complain(value ? key : "", "'" + std::string(key) + "' is missing: " + std::string(why));
  }
  return value.value_or("");
}

// A name stands in rules: oidc.NAME.CLAIM.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void read_duration(ConfigTable& table, std::string_view key, std::chrono::seconds longest,
                   std::chrono::seconds& value) {
  const auto read = table.duration(key);
  if (!read) return;
  if (read->count() <= 0 || *read > longest) {
    table.complain(key, "'" + std::string(key) + "' must be over 0 and at most 1 year.");
  }
  value = *read;
}

void read_signed_data(ConfigTable& table, const std::filesystem::path& folder,
                      ca::IdentitySettings& settings) {
  settings.certificates =
      folder / needed(table, "certificates",
                      settings.kind == Kind::aws
                          ? "a PEM file with AWS's RSA-2048 certificates of your regions."
                          : "a PEM file with the roots that Azure's certificates chain to.");
  if (settings.kind == Kind::azure) settings.host = table.text("host").value_or(settings.host);
}

void read_tokens(ConfigTable& table, const std::filesystem::path& folder,
                 ca::IdentitySettings& settings) {
  settings.audience = needed(table, "audience",
                             "what the machines ask for as 'aud', the URL of this service, say. A "
                             "token that is meant for another service must not count here.");
  const bool google = settings.kind == Kind::gcp;
  settings.issuer = google ? table.text("issuer").value_or(std::string(kGoogleIssuer))
                           : needed(table, "issuer", "the 'iss' of the tokens, to the letter.");
  const auto file = table.text("jwks_file");
  const auto url = table.text("jwks_url");
  if (file) settings.jwks_file = folder / *file;
  settings.jwks_url = url.value_or(google && !file ? std::string(kGoogleKeys) : "");
  if (file.has_value() == !settings.jwks_url.empty()) {
    table.complain("", "the issuer's keys are in jwks_file or at jwks_url: give one of the two.");
  }
  if (url && !url->starts_with("https://")) {
    table.complain("jwks_url", "'jwks_url' must begin with https://.");
  }
  if (const auto ca = table.text("jwks_ca_file")) settings.jwks_ca_file = folder / *ca;
  read_duration(table, "max_lifetime", std::chrono::days(365), settings.max_lifetime);
}

ca::IdentitySettings read_identity(ConfigTable& table, const std::filesystem::path& folder,
                                   const std::string& name) {
  ca::IdentitySettings settings;
  settings.name = name;
  const auto provider = table.text("provider").value_or("");
  const auto* kind = std::ranges::find(kKinds, provider, &std::pair<std::string_view, Kind>::first);
  if (kind == kKinds.end()) {
    table.complain("provider",
                   "'provider' must be \"aws\", \"azure\", \"gcp\", \"kubernetes\" or \"oidc\".");
    table.keys();  // what else is wrong cannot be told
    return settings;
  }
  settings.kind = kind->second;
  if (settings.kind == Kind::aws || settings.kind == Kind::azure) {
    read_signed_data(table, folder, settings);
  } else {
    read_tokens(table, folder, settings);
  }
  read_duration(table, "max_age", std::chrono::days(365), settings.max_age);
  table.done();
  return settings;
}

}  // namespace

void read_identities(ConfigTable& root, const std::filesystem::path& folder,
                     ca::AuthorityConfig& config) {
  auto identities = root.table("identity");
  if (!identities) return;
  for (const std::string& name : identities->keys()) {
    auto table = identities->table(name);
    if (!table) continue;
    if (!is_name(name)) {
      identities->complain(name, "a name is of a-z, 0-9, '-' and '_': rules name it.");
    }
    config.identities.push_back(read_identity(*table, folder, name));
  }
}

}  // namespace countersign::cli
