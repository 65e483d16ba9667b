#include "ca/caller.h"

#include <array>

namespace countersign::ca {
namespace {

struct Permission {
  Action action;
  bool anonymous, agent, pipeline, auditor, operator_;
};

// One line an action. docs/threat-model.md shows the same table.
constexpr auto kPermissions = std::to_array<Permission>({
    // action                     anon   agent  pipeline auditor operator
    {Action::submit, true, true, true, false, true},
    {Action::renew, false, true, false, false, true},
    {Action::read_own, true, true, true, true, true},
    {Action::read_all, false, false, true, true, true},
    {Action::decide, false, false, false, false, true},
    {Action::revoke, false, false, true, false, true},
    {Action::explain, false, false, true, true, true},
    {Action::replay, false, false, false, false, true},
    {Action::mint, false, false, true, false, true},
    {Action::administer_tokens, false, false, false, false, true},
    {Action::upload_crls, false, false, false, false, true},
});

}  // namespace

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
  }
  return "anonymous";
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::submit:
      return "submit";
    case Action::renew:
      return "renew";
    case Action::read_own:
      return "read";
    case Action::read_all:
      return "list";
    case Action::decide:
      return "decide";
    case Action::revoke:
      return "revoke";
    case Action::explain:
      return "explain";
    case Action::replay:
      return "replay";
    case Action::mint:
      return "mint";
    case Action::administer_tokens:
      return "administer tokens";
    case Action::upload_crls:
      return "upload CRLs";
  }
  return "unknown";
}

bool allowed(Role role, Action action) {
  for (const Permission& row : kPermissions) {
    if (row.action != action) continue;
    switch (role) {
      case Role::anonymous:
        return row.anonymous;
      case Role::agent:
        return row.agent;
      case Role::pipeline:
        return row.pipeline;
      case Role::auditor:
        return row.auditor;
      case Role::operator_:
        return row.operator_;
    }
  }
  return false;
}

std::string Caller::describe() const {
  std::string text(to_string(role));
  if (!name.empty()) text += ":" + name;
  return text;
}

}  // namespace countersign::ca
