#include "policy/rule_values.h"

#include "policy/facts.h"

namespace countersign::policy {

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::vector<Cidr> parse_ranges(ConfigTable& table, std::string_view key,
                               const std::vector<std::string>& texts) {
  std::vector<Cidr> list;
  for (const std::string& text : texts) {
    if (const auto range = Cidr::parse(text)) {
      list.push_back(*range);
    } else {
      table.complain(key, "'" + text +
                              "' is not an address range. Write it like 10.0.0.0/8 or "
                              "2001:db8::/32, with no bits set behind the prefix.");
    }
  }
  return list;
}

std::string resolve(ConfigTable& table, std::string_view key, const std::string& name) {
  std::string oid = oid_of(name);
  if (oid.empty()) {
    table.complain(key, "'" + name + "' is neither a Puppet short name (pp_role) nor an OID.");
  }
  return oid;
}

}  // namespace countersign::policy
