// Who asks, and what each may do.
#ifndef COUNTERSIGN_CA_CALLER_H_
#define COUNTERSIGN_CA_CALLER_H_

#include <string>
#include <string_view>

namespace countersign::ca {

// What a credential makes of its bearer. A client certificate of ours is an agent, or an operator
// if it carries pp_cli_auth or its certname is in the configured list.
enum class Role { anonymous, agent, pipeline, auditor, operator_ };
std::string_view to_string(Role role);

enum class Action {
  submit,             // hand in a CSR
  renew,              // get a new certificate for the one that one presents
  read_own,           // one request by id, one certificate by serial or name
  read_all,           // lists, traces, history
  decide,             // approve, deny
  revoke,             // revoke, clean
  explain,            // try a CSR against the policy
  replay,             // decide the stored requests again by another policy
  mint,               // enrolment tokens: make, end
  administer_tokens,  // of people and pipelines
  upload_crls,        // those of the CAs above
};
std::string_view to_string(Action action);

// The one table of who may do what.
bool allowed(Role role, Action action);

// Built by a front end from the connection and its headers; judged here. A value.
struct Caller {
  Role role = Role::anonymous;
  std::string name;        // certname or token id; "" for anonymous
  std::string source;      // IP address of the connection
  std::string request_id;  // of the HTTP request, for the log and the audit

  // "anonymous", "operator:ops1", "pipeline:TOKENID": for log and audit.
  std::string describe() const;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CALLER_H_
