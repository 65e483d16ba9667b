#include "policy/rule_parser.h"

#include <algorithm>

#include "policy/approvals.h"
#include "policy/rule_values.h"

namespace countersign::policy {
namespace {

// Names of rules stand in every trace, which is stored.
constexpr std::size_t kLongestName = 128;

void check_name(ConfigTable& table, const std::string& name) {
  if (name.empty()) table.complain("name", "a rule needs a name. Write name = \"...\".");
  const bool control = std::ranges::any_of(name, [](char c) { return c >= 0 && c < ' '; });
  if (name.size() > kLongestName || control) {
    table.complain("name",
                   "the name of a rule is one line of at most 128 bytes. Give a shorter one; "
                   "'reason' may be long.");
  }
}

}  // namespace

std::string RuleParser::parse_ask(ConfigTable& table, Action action) {
  std::string name = table.text("ask").value_or("");
  if (!table.has("ask")) return name;
  if (action != Action::sign) {
    table.complain("ask",
                   "only a rule that signs asks a decider, which can but narrow it. Remove 'ask'.");
  } else if (!context.any_profile &&
             std::ranges::find(context.deciders, name) == context.deciders.end()) {
    table.complain("ask", "there is no decider '" + name + "'. " +
                              (context.deciders.empty()
                                   ? std::string("Add a table [decider.NAME] to countersign.toml.")
                                   : "Known are: " + joined(context.deciders) + "."));
  }
  return name;
}

Rule RuleParser::parse(ConfigTable& table) {
  conditions.clear();
  grants.clear();
  Rule rule;
  rule.name = table.text("name").value_or("");
  check_name(table, rule.name);
  const auto action = parse_action(table.text("action").value_or(""));
  if (!action) {
    table.complain("action", "'action' must be \"sign\", \"queue\" or \"deny\".");
  }
  rule.action = action.value_or(Action::queue);
  if (auto match = table.table("match")) {
    rule.match = parse_match(*match, rule.action == Action::sign);
  } else if (!table.has("match")) {
    table.complain("", "rule '" + rule.name +
                           "' has no match. Write match = { any = true } for a "
                           "rule that takes everything.");
  }
  if (auto grant = table.table("grant")) rule.grant = parse_grant(*grant);
  rule.profile =
      table.text("profile").value_or(context.profiles.empty() ? "" : context.profiles[0]);
  rule.match.profile = rule.profile;
  rule.match.rule = rule.name;
  const bool exists = std::ranges::find(context.profiles, rule.profile) != context.profiles.end();
  if (!exists && !context.any_profile) {
    table.complain("profile", "there is no profile '" + rule.profile +
                                  "'. Known are: " + joined(context.profiles) + ".");
  }
  rule.reason = table.text("reason").value_or("");
  rule.strip = table.boolean("strip").value_or(false);
  if (rule.action == Action::deny && (rule.grant.explicit_ || rule.strip)) {
    // With a grant it would not match what asks for more, which is what it is there to deny.
    table.complain(rule.grant.explicit_ ? "grant" : "strip",
                   "a rule that denies grants nothing: it takes all that its match takes. Remove "
                   "'grant' and 'strip'.");
  }
  rule.ask = parse_ask(table, rule.action);
  rule.reuse =
      // A document proves a name only where it gives the name.
      read_reuse(table, rule.action,
                 rule.match.token || !rule.match.challenge_passwords.empty() ||
                     !rule.match.certname_templates.empty());
  rule.limits = read_limits(table, rule.action);
  const bool may_wait =
      rule.action == Action::queue ||
      (rule.action == Action::sign && (rule.reuse == Reuse::queue || !rule.limits.empty()));
  rule.approvals = read_approvals(table, may_wait);
  table.done();
  return rule;
}

}  // namespace countersign::policy
