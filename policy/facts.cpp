#include "policy/facts.h"

#include <algorithm>
#include <array>
#include <utility>

namespace countersign::policy {
namespace {

constexpr std::string_view kRegistered = "1.3.6.1.4.1.34380.1.1.";
constexpr std::string_view kPrivate = "1.3.6.1.4.1.34380.1.2.";
constexpr std::string_view kAuthorization = "1.3.6.1.4.1.34380.1.3.";

// Puppet's registry of short names; docs.puppet.com, "Extension requests".
constexpr std::array<std::pair<std::string_view, std::string_view>, 29> kShortNames = {{
    {"pp_uuid", "1.3.6.1.4.1.34380.1.1.1"},
    {"pp_instance_id", "1.3.6.1.4.1.34380.1.1.2"},
    {"pp_image_name", "1.3.6.1.4.1.34380.1.1.3"},
    {"pp_preshared_key", "1.3.6.1.4.1.34380.1.1.4"},
    {"pp_cost_center", "1.3.6.1.4.1.34380.1.1.5"},
    {"pp_product", "1.3.6.1.4.1.34380.1.1.6"},
    {"pp_project", "1.3.6.1.4.1.34380.1.1.7"},
    {"pp_application", "1.3.6.1.4.1.34380.1.1.8"},
    {"pp_service", "1.3.6.1.4.1.34380.1.1.9"},
    {"pp_employee", "1.3.6.1.4.1.34380.1.1.10"},
    {"pp_created_by", "1.3.6.1.4.1.34380.1.1.11"},
    {"pp_environment", "1.3.6.1.4.1.34380.1.1.12"},
    {"pp_role", "1.3.6.1.4.1.34380.1.1.13"},
    {"pp_software_version", "1.3.6.1.4.1.34380.1.1.14"},
    {"pp_department", "1.3.6.1.4.1.34380.1.1.15"},
    {"pp_cluster", "1.3.6.1.4.1.34380.1.1.16"},
    {"pp_provisioner", "1.3.6.1.4.1.34380.1.1.17"},
    {"pp_region", "1.3.6.1.4.1.34380.1.1.18"},
    {"pp_datacenter", "1.3.6.1.4.1.34380.1.1.19"},
    {"pp_zone", "1.3.6.1.4.1.34380.1.1.20"},
    {"pp_network", "1.3.6.1.4.1.34380.1.1.21"},
    {"pp_securitypolicy", "1.3.6.1.4.1.34380.1.1.22"},
    {"pp_cloudplatform", "1.3.6.1.4.1.34380.1.1.23"},
    {"pp_apptier", "1.3.6.1.4.1.34380.1.1.24"},
    {"pp_hostname", "1.3.6.1.4.1.34380.1.1.25"},
    {"pp_owner", "1.3.6.1.4.1.34380.1.1.26"},
    {"pp_authorization", "1.3.6.1.4.1.34380.1.3.1"},
    {"pp_auth_role", "1.3.6.1.4.1.34380.1.3.13"},
    {"pp_cli_auth", kCliAuthOid},
}};

// At least two numbers, none empty or with a zero in front, the first 0, 1 or 2.
bool dotted(std::string_view text) {
  if (text.size() < 3 || text[1] != '.' || text[0] > '2') return false;
  for (;;) {
    const std::string_view arc = text.substr(0, text.find('.'));
    const bool zero_in_front = arc.size() > 1 && arc.front() == '0';
    if (arc.empty() || zero_in_front) return false;
    if (arc.find_first_not_of("0123456789") != std::string_view::npos) return false;
    if (arc.size() == text.size()) return true;
    text.remove_prefix(arc.size() + 1);
  }
}

}  // namespace

std::string oid_of(std::string_view name_or_oid) {
  for (const auto& [name, oid] : kShortNames) {
    if (name == name_or_oid) return std::string(oid);
  }
  return dotted(name_or_oid) ? std::string(name_or_oid) : std::string();
}

std::string short_name_of(std::string_view oid) {
  for (const auto& [name, known] : kShortNames) {
    if (known == oid) return std::string(name);
  }
  return std::string(oid);
}

bool is_puppet_extension(std::string_view oid) {
  return oid.starts_with(kRegistered) || oid.starts_with(kPrivate);
}

bool is_authorization_extension(std::string_view oid) { return oid.starts_with(kAuthorization); }

}  // namespace countersign::policy
