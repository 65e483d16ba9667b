#include "policy/identity_claims.h"

#include <algorithm>
#include <array>

namespace countersign::policy {
namespace {

constexpr std::array<std::string_view, 22> kClaims = {
    "aws.account",         "aws.region",
    "aws.instance_id",     "aws.image",
    "aws.instance_type",   "aws.availability_zone",
    "aws.private_ip",      "aws.architecture",
    "azure.subscription",  "azure.vm_id",
    "azure.sku",           "gcp.project",
    "gcp.project_number",  "gcp.zone",
    "gcp.instance_id",     "gcp.instance_name",
    "gcp.service_account", "k8s.namespace",
    "k8s.service_account", "k8s.pod",
    "k8s.pod_uid",         "k8s.node"};
constexpr std::string_view kOidc = "oidc.";

using ClaimList = std::vector<std::pair<std::string, std::vector<std::string>>>;

void read_claim(ConfigTable& table, const std::string& key, const std::string& claim,
                ClaimList& list) {
  auto values = table.texts(key);
  if (!values) return;
  if (values->empty()) {
    table.complain(key, "'" + claim +
                            "' is an empty list, which nothing can match. List something, or "
                            "remove the key.");
    return;
  }
  list.emplace_back(claim, std::move(*values));
}

void read_all(ConfigTable& table, const std::string& prefix, ClaimList& list) {
  const std::vector<std::string> keys = table.keys();
  if (keys.empty()) {
    table.complain("", "there is nothing in this table. Name a claim, or remove it.");
  }
  for (const std::string& key : keys) read_claim(table, key, prefix + key, list);
}

}  // namespace

bool is_claim(std::string_view name) {
  if (name.starts_with(kOidc)) {
    const std::size_t dot = name.find('.', kOidc.size());
    return dot != std::string_view::npos && dot > kOidc.size() && dot + 1 < name.size();
  }
  return std::ranges::find(kClaims, name) != kClaims.end();
}

ClaimList read_claims(ConfigTable& table) {
  ClaimList list;
  for (const std::string_view cloud : {"aws.", "azure.", "gcp.", "k8s."}) {
    auto own = table.table(cloud.substr(0, cloud.size() - 1));
    if (!own) continue;
    const std::size_t before = list.size();
    for (const std::string_view claim : kClaims) {
      if (!claim.starts_with(cloud)) continue;
      read_claim(*own, std::string(claim.substr(cloud.size())), std::string(claim), list);
    }
    own->done();
    if (list.size() == before && own->keys().empty()) {
      own->complain("", "there is nothing in this table. Name a claim, or remove it.");
    }
  }
  if (auto oidc = table.table("oidc")) {
    for (const std::string& name : oidc->keys()) {
      if (auto own = oidc->table(name)) read_all(*own, std::string(kOidc) + name + ".", list);
    }
  }
  return list;
}

}  // namespace countersign::policy
