#include "policy/outline.h"

#include <functional>

namespace countersign::policy {
namespace {

std::string joined_set(const std::set<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "true" : text;
}

// "san_dns each" and "extensions 1.3.6…", as the parser tells them apart, as a person writes them.
std::string key_of(const std::string& condition) {
  const std::size_t space = condition.find(' ');
  const std::string key = condition.substr(0, space);
  if (space == std::string::npos || key.starts_with("san_")) return "match." + key;
  return "match." + key + "." + short_name_of(condition.substr(space + 1));
}

}  // namespace

RuleOutline outline_of(const Rule& rule, const Conditions& conditions,
                       const std::set<std::string>& grants) {
  RuleOutline outline;
  outline.name = rule.name;
  outline.keys["action"] = to_string(rule.action);
  outline.keys["profile"] = rule.profile;
  if (!rule.reason.empty()) outline.keys["reason"] = rule.reason;
  if (rule.strip) outline.keys["strip"] = "true";
  if (!rule.ask.empty()) outline.keys["ask"] = rule.ask;
  if (rule.reuse != Reuse::refuse) outline.keys["reuse"] = to_string(rule.reuse);
  if (rule.approvals != 1) outline.keys["approvals"] = std::to_string(rule.approvals);
  for (const Limit& limit : rule.limits) outline.keys["limit " + limit.text] = "set";
  if (rule.match.any) outline.keys["match.any"] = "true";
  for (const auto& [key, alternatives] : conditions) {
    outline.keys[key_of(key)] = joined_set(alternatives);
  }
  if (rule.grant.explicit_) {
    std::set<std::string> all = grants;
    if (rule.grant.certname) all.insert("dns {certname}");
    outline.keys["grant"] = all.empty() ? "nothing" : joined_set(all);
  }
  return outline;
}

std::string list_mark(const Rule& rule) {
  // A sum: the order of the entries says nothing.
  std::size_t mark = 0;
  const std::hash<std::string_view> hash;
  rule.match.allowlist.names().for_each([&](std::string_view name) { mark += hash(name); });
  rule.match.allowlist.tails().for_each([&](std::string_view tail) { mark += hash(tail) * 31; });
  return std::to_string(rule.match.allowlist.size()) + " entries, mark " +
         std::to_string(mark % 1'000'000);
}

}  // namespace countersign::policy
