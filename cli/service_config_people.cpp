// Who has a role by certname, and what it is narrowed to.
#include <algorithm>
#include <charconv>

#include "cli/service_config_parts.h"

namespace countersign::cli {
namespace {

using Texts = std::vector<std::string>;

// A name with two roles would have the one that is read last, which nobody sees.
void give(ConfigTable& table, std::string_view key, const std::string& certname,
          ca::Standing standing, ca::AuthorityConfig& config) {
  const auto& operators = config.operators;
  const bool listed = std::ranges::find(operators, certname) != operators.end();
  if (listed || !config.standings.emplace(certname, std::move(standing)).second) {
    table.complain(key, "'" + certname + "' has a role already. One certname has one role.");
  }
}

void read_list(ConfigTable& root, std::string_view name, ca::Role role,
               ca::AuthorityConfig& config) {
  auto table = root.table(name);
  if (!table) return;
  for (const std::string& certname : table->texts("certnames").value_or(Texts())) {
    give(*table, "certnames", certname, {role, nullptr}, config);
  }
  table->done();
}

void read_person(ConfigTable& table, ca::AuthorityConfig& config) {
  const auto certname = table.text("certname");
  if (!certname) table.complain("certname", "'certname' says whose client certificate it is.");
  const std::string text = table.text("role").value_or("");
  const auto role = ca::parse_role(text);
  if (!role || *role == ca::Role::anonymous || *role == ca::Role::agent) {
    table.complain("role", "'role' is pipeline, auditor, operator or admin.");
  }
  std::shared_ptr<const policy::Scope> scope;
  if (auto only = table.table("only")) {
    policy::ScopeTerms terms;
    terms.certnames = only->texts("certname").value_or(Texts());
    terms.rules = only->texts("rule").value_or(Texts());
    auto made = policy::Scope::make(std::move(terms));
    if (made.has_error()) {
      only->complain("", made.error().detail);
    } else if (role == ca::Role::admin) {
      only->complain("", "an admin is never narrowed. Narrow an operator.");
    } else {
      scope = std::move(*made);
    }
    only->done();
  }
  table.done();
  if (certname && role) give(table, "certname", *certname, {*role, std::move(scope)}, config);
}

// Who has several certnames, and counts once.
void read_persons(ConfigTable& people, ca::AuthorityConfig& config) {
  const auto names = people.keys();
  for (const std::string& person : names) {
    for (const std::string& certname : people.texts(person).value_or(Texts())) {
      const bool other_person =
          certname != person && std::ranges::find(names, certname) != names.end();
      if (other_person || !config.people.emplace(certname, person).second) {
        people.complain(person, "'" + certname + "' would be two people. Name each certname once.");
      }
    }
  }
  people.done();
}

}  // namespace

void read_people(ConfigTable& root, ca::AuthorityConfig& config) {
  if (auto operators = root.table("operators")) {
    config.operators = operators->texts("certnames").value_or(Texts());
    if (auto people = operators->table("people")) read_persons(*people, config);
    operators->done();
  }
  read_list(root, "admins", ca::Role::admin, config);
  read_list(root, "auditors", ca::Role::auditor, config);
  for (ConfigTable& person : root.tables("person")) read_person(person, config);
}

void read_policy_guard(ConfigTable& policy, ca::AuthorityConfig& config) {
  const auto text = policy.text("refuse_change_over");
  if (!text) return;
  int share = -1;
  const char* end = text->data() + text->size();
  const auto [stop, ec] = std::from_chars(text->data(), end, share);
  if (ec != std::errc{} || stop + 1 != end || *stop != '%' || share < 0 || share > 99) {
    policy.complain("refuse_change_over",
                    "'refuse_change_over' is a share of the last day's requests from 0 % to 99 %, "
                    "like \"20%\".");
    return;
  }
  config.policy_guard_percent = share;
}

}  // namespace countersign::cli
