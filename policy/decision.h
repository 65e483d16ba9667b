// The outcome of a policy and how it came about.
#ifndef COUNTERSIGN_POLICY_DECISION_H_
#define COUNTERSIGN_POLICY_DECISION_H_

#include <cstdint>
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

// One rule's part in a decision, or that of several in a row that failed alike.
struct TraceStep {
  std::string rule;
  bool matched = false;
  // The first condition that failed ("certname_regex"), and what was wanted and found. Never
  // holds a secret. Of several rules the detail is the first one's; "several" if they failed by
  // different conditions, and the detail then counts them.
  std::string condition;
  std::string detail;
  std::string last_rule;  // "" for one rule
  std::size_t rules = 1;
};

struct Decision {
  Action action = Action::queue;
  std::string rule;     // "" if the default decided
  std::string reason;   // for a person; never empty for queue and deny
  std::string profile;  // for sign, and for queue when the rule names one
  Granted granted;      // for sign, and for queue when the rule has a grant
  bool has_grant = false;
  bool token = false;     // the rule asks for an enrolment token: the certificate uses it up
  bool identity = false;  // it asks for an identity document: the certificate binds the machine
  std::string ask;        // of a rule that signs: the decider that must agree, "" for none
  Reuse reuse = Reuse::refuse;  // if the name has a live certificate
  std::vector<Limit> limits;    // of a rule that signs; the request counts in each of them
  std::int64_t approvals = 1;   // people who must approve it if it waits
  std::vector<TraceStep> trace;
};

// A condition that kept a rule from matching.
struct Failure {
  std::string condition;
  std::string found;   // as in a trace
  std::string needed;  // "the certname must match 'web-.*'; it is 'db-1'"
};

// The rule that came nearest to another outcome.
struct Nearest {
  std::string rule;
  Action action = Action::sign;
  std::vector<Failure> failures;  // every condition that failed, at least one
  std::string advice;             // a sentence: what would have to change
};

// A decision with the whole trace: a step for each rule that was asked.
struct Explanation {
  Decision decision;
  std::optional<Nearest> nearest;  // none if no rule before could have decided otherwise
};

// No stored trace is longer than this, as JSON.
inline constexpr std::size_t kLongestTrace = 4096;

// As JSON: [{"rule","matched","condition","detail"}], and "last_rule" and "rules" where a step
// stands for several rules: the form that is stored and served.
std::string trace_to_json(const std::vector<TraceStep>& trace);
// As JSON: {"rule","action","advice","failures":[{"condition","found","needed"}]}, or null.
std::string nearest_to_json(const std::optional<Nearest>& nearest);
// How long a trace is as JSON, at most.
std::size_t trace_size(const std::vector<TraceStep>& trace);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_DECISION_H_
