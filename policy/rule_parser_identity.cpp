// The conditions of a rule on identity documents.
#include "policy/identity_claims.h"
#include "policy/rule_parser.h"
#include "policy/words.h"

namespace countersign::policy {

void RuleParser::parse_name_template(ConfigTable& table, const std::string& text, Match& match) {
  NameTemplate name;
  const std::string wrong = name.parse(text);
  if (!wrong.empty()) {
    table.complain("certname", "'" + text + "': " + wrong +
                                   ". A placeholder is a claim in braces, alone in its label: "
                                   "{aws.instance_id}.{aws.region}.example.com.");
    return;
  }
  match.certname_templates.push_back(std::move(name));
  match.identity.required = true;
}

void RuleParser::parse_identity(ConfigTable& table, Match& match) {
  IdentityMatch& identity = match.identity;
  if (auto providers = table.texts("identity")) {
    identity.required = true;
    conditions["identity"] = {};
    if (*providers != std::vector<std::string>{"required"}) {
      if (providers->empty()) {
        table.complain("identity",
                       "'identity' is \"required\", or a list of names of [identity.NAME].");
      }
      conditions["identity"] = {providers->begin(), providers->end()};
      identity.providers = std::move(*providers);
    }
  }
  for (auto& [claim, values] : read_claims(table)) {
    identity.required = true;
    for (const std::string& value : values) {
      if (value.empty() || value.find('*') < value.size() - 1) {
        constexpr std::string_view kForm =
            ", is no value: it is a text to the letter, or the beginning of one and a '*' at the "
            "end.";
        table.complain(claim.substr(0, claim.find('.')),
                       joined({"'", value, "', of ", claim, kForm}));
      }
    }
    conditions[claim] = {values.begin(), values.end()};
    identity.claims.push_back({claim, std::move(values)});
  }
}

}  // namespace countersign::policy
