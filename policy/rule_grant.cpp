// What a rule grants.
#include <algorithm>
#include <unordered_set>

#include "policy/certname.h"
#include "policy/rule.h"
#include "policy/words.h"

namespace countersign::policy {
namespace {

constexpr std::string_view kMark = "{certname}";
constexpr std::size_t kLongestOid = 120;

// Replaces every "{certname}".
std::string expand(std::string text, const std::string& certname) {
  for (std::size_t at = text.find(kMark); at != std::string::npos;
       at = text.find(kMark, at + certname.size())) {
    text.replace(at, kMark.size(), certname);
  }
  return text;
}

bool glob_or_literal(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  return name.size() >= pattern.size() && name.ends_with(pattern.substr(1));
}

// Does one of the list, with its marks replaced, fit?
template <class Fits>
bool listed(const std::vector<std::string>& list, const std::string& certname, Fits fits) {
  return std::ranges::any_of(list, [&](const std::string& item) {
    return item.find('{') == std::string::npos ? fits(item) : fits(expand(item, certname));
  });
}

bool grants_name(const Grant& grant, const RequestedName& name, const std::string& certname) {
  const std::string& value = name.value;
  const auto same = [&](const std::string& item) { return item == value; };
  if (name.type == "dns") {
    if (value == certname) return true;
    // A wildcard name is granted to the letter only, and nothing is that DNS could not hold.
    if (!valid_dns_name(value, true)) return false;
    if (value.starts_with("*.")) return listed(grant.dns, certname, same);
    return listed(grant.dns, certname,
                  [&](const std::string& item) { return glob_or_literal(item, value); });
  }
  if (name.type == "ip") return contains(grant.ip, parse_address(value));
  if (name.type == "email") return listed(grant.email, certname, same);
  if (name.type == "uri") return listed(grant.uri, certname, same);
  return false;
}

bool grants_extension(const Grant& grant, const std::string& oid) {
  if (oid == kCliAuthOid) return false;
  // Its value is a password, and a certificate is public: no wildcard grants it.
  if (grant.puppet_extensions && is_puppet_extension(oid) && oid != kPresharedKeyOid) return true;
  return std::ranges::find(grant.extensions, oid) != grant.extensions.end();
}

// The types of RequestedName; a condition of the trace each.
std::string_view condition_of(const std::string& type) {
  static constexpr std::string_view kConditions[] = {
      "grant.dns",           "grant.ip",   "grant.email", "grant.uri", "grant.directory",
      "grant.registered_id", "grant.other"};
  for (const std::string_view condition : kConditions) {
    if (condition.substr(condition.find('.') + 1) == type) return condition;
  }
  return "grant.other";
}

}  // namespace

std::string_view Rule::first_excess(const Question& question, Words* words) const {
  const auto say = [words](const std::string& what, std::string found) {
    if (words == nullptr) return;
    *words = {std::move(found), "the request must not ask for " + what + ", or the rule grant it"};
  };
  for (const RequestedName& asked : question.names) {
    if (grants_name(grant, asked, question.facts.certname)) continue;
    say("the SAN " + quoted(asked.value), "no SAN may be " + quoted(asked.value));
    return condition_of(asked.type);
  }
  for (const RequestedExtension& extension : question.facts.extensions) {
    if (grants_extension(grant, extension.oid)) continue;
    const std::string short_name = clipped(short_name_of(extension.oid), kLongestOid);
    say("the extension " + short_name, short_name + " is not granted");
    return "grant.extensions";
  }
  return {};
}

Granted Rule::granted(const Question& question) const {
  const std::string& certname = question.facts.certname;
  Granted granted;
  std::unordered_set<std::string> there;
  const auto give = [&](const RequestedName& given) {
    if (there.insert(given.type + ':' + given.value).second) granted.names.push_back(given);
  };
  if (grant.certname) give({"dns", certname});
  for (const RequestedName& asked : question.names) {
    if (grants_name(grant, asked, certname)) give(asked);
  }
  for (const RequestedExtension& extension : question.facts.extensions) {
    if (grants_extension(grant, extension.oid)) granted.extensions.push_back(extension.oid);
  }
  return granted;
}

}  // namespace countersign::policy
