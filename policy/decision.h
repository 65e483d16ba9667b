// The outcome of a policy and how it came about.
#ifndef COUNTERSIGN_POLICY_DECISION_H_
#define COUNTERSIGN_POLICY_DECISION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/facts.h"
#include "policy/limit.h"
#include "policy/reuse.h"

namespace countersign::policy {

enum class Action { sign, queue, deny };
std::string_view to_string(Action action);
std::optional<Action> parse_action(std::string_view text);

// What the certificate may hold beyond its CN. Only things that were asked for or that the rule
// gives by itself; already expanded and checked.
struct Granted {
  std::vector<RequestedName> names;     // every SAN of the certificate, in order
  std::vector<std::string> extensions;  // OIDs that may be copied from the CSR
};

// One rule's part in a decision.
struct TraceStep {
  std::string rule;
  bool matched = false;
  // The first condition that failed ("certname_regex"), and what was wanted and found. Never
  // holds a secret.
  std::string condition;
  std::string detail;  // of the rule that matched: what else had a say
};

struct Decision {
  Action action = Action::queue;
  std::string rule;     // "" if the default decided
  std::string reason;   // for a person; never empty for queue and deny
  std::string profile;  // for sign, and for queue when the rule names one
  Granted granted;      // for sign, and for queue when the rule has a grant
  bool has_grant = false;
  bool token = false;           // the rule asks for an enrolment token: the certificate uses it up
  Reuse reuse = Reuse::refuse;  // if the name has a live certificate
  std::vector<Limit> limits;    // of a rule that signs; the request counts in each of them
  std::vector<TraceStep> trace;
};

// As JSON: [{"rule","matched","condition","detail"}], the form that is stored and served.
std::string trace_to_json(const std::vector<TraceStep>& trace);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_DECISION_H_
