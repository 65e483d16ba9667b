// The grant of a rule.
#include <algorithm>

#include "policy/certname.h"
#include "policy/rule_parser.h"
#include "policy/rule_values.h"

namespace countersign::policy {
namespace {

constexpr std::string_view kMark = "{certname}";

// A name of a grant with its marks filled in, as far as its form goes.
std::string filled(std::string text) {
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at)) {
    text.replace(at, kMark.size(), "x");
  }
  return text;
}

}  // namespace

std::vector<std::string> RuleParser::granted(ConfigTable& table, std::string_view key) {
  auto list = table.texts(key).value_or(std::vector<std::string>{});
  for (const std::string& item : list) {
    grants.insert(std::string(key) + " " + item);
    if (filled(item).find_first_of("{}") != std::string::npos) {
      table.complain(key,
                     "'" + item + "' has a mark that is not known. {certname} is the only one.");
    }
  }
  return list;
}

void RuleParser::parse_granted_extensions(ConfigTable& table, Grant& grant) {
  for (const std::string& name : table.texts("extensions").value_or(std::vector<std::string>{})) {
    if (name == "*") {
      grant.puppet_extensions = true;
      grants.insert("extensions *");
      continue;
    }
    const std::string oid = resolve(table, "extensions", name);
    if (oid == kCliAuthOid) {
      table.complain("extensions",
                     "pp_cli_auth makes an operator and is never granted by a rule. "
                     "Remove it.");
    } else if (!oid.empty() && !is_puppet_extension(oid) && !is_authorization_extension(oid)) {
      table.complain("extensions", "'" + name +
                                       "' cannot be granted: only extensions under Puppet's "
                                       "arcs can; the rest comes from the profile. Remove it.");
    }
    grant.extensions.push_back(oid);
    grants.insert("extensions " + oid);
  }
}

Grant RuleParser::parse_grant(ConfigTable& table) {
  Grant grant;
  grant.explicit_ = true;
  grant.dns = granted(table, "dns");
  if (table.has("dns")) grant.certname = std::ranges::find(grant.dns, kMark) != grant.dns.end();
  for (std::string& name : grant.dns) {
    if (!valid_dns_name(filled(name), true)) {
      table.complain("dns", "'" + name + "' is no DNS name. Correct it, or remove it.");
    }
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  grant.ip = parse_ranges(table, "ip", granted(table, "ip"));
  grant.email = granted(table, "email");
  grant.uri = granted(table, "uri");
  parse_granted_extensions(table, grant);
  grants.erase("dns " + std::string(kMark));  // the certname may always be asked for
  table.done();
  return grant;
}

}  // namespace countersign::policy
