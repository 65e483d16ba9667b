// Stored requests decided again by another policy.
#ifndef COUNTERSIGN_CA_REPLAY_H_
#define COUNTERSIGN_CA_REPLAY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "policy/decision.h"

namespace countersign::ca {

struct ReplayOrder {
  std::string policy;  // TOML
  Timestamp since;     // requests that came then or later
  std::string after;   // `next` of the answer before, "" for the first; `since` is then left alone
};

struct ReplayOutcome {
  policy::Action action = policy::Action::queue;
  std::string rule;  // "" for the default
  bool operator==(const ReplayOutcome&) const = default;
};

// Requests that would change in the same way.
struct ReplayGroup {
  ReplayOutcome was;
  ReplayOutcome now;
  std::string reason;  // of the new policy, for the first of them
  std::size_t requests = 0;
  std::vector<std::string> names;  // the first kMost of them
  static constexpr std::size_t kMost = 5;
};

struct Replay {
  std::size_t examined = 0;
  std::size_t unreadable = 0;       // of those: their CSR is no longer one that is accepted
  std::size_t changed = 0;          // another action
  std::vector<ReplayGroup> groups;  // another action or another rule; at most kMostGroups
  std::size_t left_out = 0;         // requests whose group found no room
  std::vector<std::string> notes;   // what is only near to the truth, for people
  std::string next;                 // go on from here; "": this was all
  static constexpr std::size_t kMostGroups = 500;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_REPLAY_H_
