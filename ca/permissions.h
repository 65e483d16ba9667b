// The one table of who may do what. docs/roles.md shows it, and a test holds the two together.
#ifndef COUNTERSIGN_CA_PERMISSIONS_H_
#define COUNTERSIGN_CA_PERMISSIONS_H_

#include <array>
#include <string_view>

#include "ca/caller.h"

namespace countersign::ca {

struct Permission {
  Action action;
  std::string_view verb;  // "The role 'agent' may not …"
  std::string_view what;  // for people
  bool anonymous, agent, pipeline, auditor, operator_, admin;
  // May a credential that is narrowed to names or rules do it, within those? What is about all
  // names at once it may not.
  bool narrowed;

  constexpr bool of(Role role) const {
    switch (role) {
      case Role::anonymous:
        return anonymous;
      case Role::agent:
        return agent;
      case Role::pipeline:
        return pipeline;
      case Role::auditor:
        return auditor;
      case Role::operator_:
        return operator_;
      case Role::admin:
        return admin;
    }
    return false;
  }
};

inline constexpr auto kPermissions = std::to_array<Permission>({
    // clang-format off
    //                                                                     anon   agent  pipe   audit  oper   admin  narrowed
    {Action::submit, "submit", "hand in a CSR",                            true,  true,  true,  false, true,  true,  true},
    {Action::renew, "renew", "renew the certificate that one presents",    false, true,  true,  true,  true,  true,  true},
    {Action::read_own, "read", "read one request or certificate",          true,  true,  true,  true,  true,  true,  true},
    {Action::read_metrics, "read metrics", "read the metrics",             true,  true,  true,  true,  true,  true,  false},
    {Action::read_expirations, "read expirations", "read until when chain and CRLs are good",
                                                                           false, true,  true,  true,  true,  true,  true},
    {Action::read_all, "list", "read lists, traces, the audit; watch",     false, false, true,  true,  true,  true,  true},
    {Action::read_secrets, "read secrets", "read the password in a CSR that waits",
                                                                           false, false, false, false, true,  true,  true},
    {Action::explain, "explain", "ask what policy would decide",           false, false, true,  true,  true,  true,  true},
    {Action::decide, "decide", "approve, deny",                            false, false, false, false, true,  true,  true},
    {Action::revoke, "revoke", "revoke, clean",                            false, false, true,  false, true,  true,  true},
    {Action::mint, "mint", "make and end enrolment tokens",                false, false, true,  false, true,  true,  true},
    {Action::replay, "replay", "replay a policy",                          false, false, false, false, false, true,  false},
    {Action::reload_policy, "reload the policy", "reload the policy",      false, false, false, false, false, true,  false},
    {Action::administer_tokens, "administer tokens", "make, list and end the tokens of people and pipelines",
                                                                           false, false, false, false, false, true,  false},
    {Action::appoint, "appoint", "approve a name that countersign.toml gives a role",
                                                                           false, false, false, false, false, true,  false},
    {Action::upload_crls, "upload CRLs", "upload CRLs of the CAs above",   false, false, false, false, false, true,  false},
    // clang-format on
});

constexpr const Permission& permission(Action action) {
  for (const Permission& row : kPermissions) {
    if (row.action == action) return row;
  }
  return kPermissions.front();
}

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_PERMISSIONS_H_
