#include "ca/caller.h"

#include "ca/permissions.h"

namespace countersign::ca {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::anonymous:
      return "anonymous";
    case Role::agent:
      return "agent";
    case Role::pipeline:
      return "pipeline";
    case Role::auditor:
      return "auditor";
    case Role::operator_:
      return "operator";
    case Role::admin:
      return "admin";
  }
  return "anonymous";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : kRoles) {
    if (to_string(role) == text) return role;
  }
  return std::nullopt;
}

std::string_view to_string(Action action) { return permission(action).verb; }

bool allowed(Role role, Action action) { return permission(action).of(role); }

bool allowed(const Caller& caller, Action action) {
  return allowed(caller.role, action) && (!caller.scope || permission(action).narrowed);
}

std::string Caller::describe() const {
  std::string text(to_string(role));
  if (!name.empty()) text += ":" + name;
  return text;
}

namespace {

Error outside(std::string what, const policy::Scope& scope) {
  what += " is outside of what this credential is narrowed to: ";
  what += scope.describe();
  what += ".";
  return fail(Code::out_of_scope, std::move(what));
}

}  // namespace

Result<void> in_scope(const Caller& caller, std::string_view certname) {
  if (!caller.scope || caller.scope->holds(certname)) return {};
  std::string what("'");
  what += certname;
  what += "'";
  return outside(std::move(what), *caller.scope);
}

Result<void> rule_in_scope(const Caller& caller, std::string_view rule) {
  if (!caller.scope || caller.scope->holds_rule(rule)) return {};
  std::string what("What ");
  what += rule.empty() ? "no rule" : "rule '";
  what += rule;
  what += rule.empty() ? " decided" : "' decided";
  return outside(std::move(what), *caller.scope);
}

}  // namespace countersign::ca
