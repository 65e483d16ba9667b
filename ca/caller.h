// Who asks, and what each may do.
#ifndef COUNTERSIGN_CA_CALLER_H_
#define COUNTERSIGN_CA_CALLER_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/scope.h"

namespace countersign::ca {

// What a credential makes of its bearer. A client certificate of ours is an agent; an admin if it
// carries pp_cli_auth; or what the configuration says of its certname.
enum class Role { anonymous, agent, pipeline, auditor, operator_, admin };
inline constexpr std::array<Role, 6> kRoles = {Role::anonymous, Role::agent,     Role::pipeline,
                                               Role::auditor,   Role::operator_, Role::admin};
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

enum class Action {
  submit,             // hand in a CSR
  renew,              // get a new certificate for the one that one presents
  read_own,           // one request by id, one certificate by serial or name
  read_metrics,       // numbers of the whole
  read_expirations,   // of the chain and of the CRLs
  read_all,           // lists, traces, history, the audit
  read_secrets,       // a CSR with the password that it carries
  explain,            // try a CSR against the policy
  decide,             // approve, deny
  revoke,             // revoke, clean
  mint,               // enrolment tokens: make, end
  replay,             // decide the stored requests again by another policy
  reload_policy,      // take the policy file as it is now
  administer_tokens,  // of people and pipelines
  appoint,            // approve a certname to which the configuration gives a role
  upload_crls,        // those of the CAs above
};
std::string_view to_string(Action action);

// Built by a front end from the connection and its headers; judged here. A value.
struct Caller {
  Role role = Role::anonymous;
  std::string name;        // certname or token id; "" for anonymous
  std::string source;      // IP address of the connection
  std::string request_id;  // of the HTTP request, for the log and the audit
  // What the credential is narrowed to; null: to nothing.
  std::shared_ptr<const policy::Scope> scope = nullptr;

  // "anonymous", "operator:ops1", "pipeline:TOKENID": for log and audit.
  std::string describe() const;
};

// By the one table, of permissions.h. The second also asks whether a narrowed credential may.
bool allowed(Role role, Action action);
bool allowed(const Caller& caller, Action action);

// out_of_scope, with a text for people, unless the credential covers the name, or the rule.
Result<void> in_scope(const Caller& caller, std::string_view certname);
Result<void> rule_in_scope(const Caller& caller, std::string_view rule);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CALLER_H_
