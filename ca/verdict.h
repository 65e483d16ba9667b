// What is to become of a request: by policy, by Puppet's autosign, and by the rule that protects
// the service's own names.
#ifndef COUNTERSIGN_CA_VERDICT_H_
#define COUNTERSIGN_CA_VERDICT_H_

#include <optional>
#include <string>

#include "ca/autosign.h"
#include "ca/examination.h"
#include "ca/issuer.h"
#include "ca/succession.h"
#include "policy/decision.h"
#include "policy/rule_set.h"

namespace countersign::ca {

// Verdict::by of what Puppet's autosign decided.
inline constexpr std::string_view kPuppetAutosign = "puppet autosign";

struct Verdict {
  policy::Decision decision;
  Grant grant;                   // for sign
  std::string by;                // the rule's name, "puppet autosign", …
  std::optional<Error> refusal;  // stored as queued, answered with this (Puppet contract 2.2)
  std::optional<policy::Reuse>
      reuse;              // the name has a live certificate, and this is the rule's word
  Succession succession;  // for sign
  // It waits for a limit, which has room again then, or for a decider that did not answer.
  std::optional<Timestamp> retry_at;
  std::string decider;          // what the rule's decider said, in words; "" if none was asked
  bool clock_put_back = false;  // since a limit was used
};

// Turns sign to queue. An approval can then give what the rule would have given.
void hold(Verdict& verdict, std::string reason);
// Adds to what the trace says of the rule that matched.
void note(Verdict& verdict, const std::string& text);

// What a decision of the policy makes of the request. Pure.
Verdict verdict_of(policy::Decision decision, const Examined& request,
                   const AuthorityConfig& config);
// The policy's word. Pure.
Verdict decide(const policy::RuleSet& rules, const Examined& request,
               const AuthorityConfig& config);

// Does Puppet's autosign have the say: no rule matched, and it is set?
bool autosign_decides(const PuppetSettings& settings, const Submission& submission,
                      const Verdict& verdict);
// Replaces the verdict by what autosign answered. A "yes" to a request that asks for more than
// Puppet's settings allow becomes Puppet's refusal, with the request kept; an error queues.
void apply_autosign(const PuppetSettings& settings, const Examined& request,
                    const Result<AutosignAnswer>& answer, Verdict& verdict);

// Why such a certificate needs an operator's explicit word; "" if it does not. It would stand, by
// its CN, by a SAN or by a wildcard, for a name of the service, or have a role by its name; or its
// name ends in a dot, and many clients would take it for that of the host without the dot.
std::string_view reserved(const AuthorityConfig& config, const Grant& grant);

// Does the configuration give a role to this certname? Only an admin signs for it: an operator
// could make himself more.
bool has_standing(const AuthorityConfig& config, const std::string& certname);

// Turns sign to queue where a rule signs that the credential which handed the request in is not
// narrowed to.
void hold_outside_rules(const Caller& caller, Verdict& verdict);

// Turns sign to queue if the certificate, by its CN, by a SAN or by a wildcard, would stand for a
// name of the service: who holds such a certificate can answer in the service's place; or if its
// certname is one that makes an operator.
void hold_reserved_name(const AuthorityConfig& config, Verdict& verdict);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_VERDICT_H_
