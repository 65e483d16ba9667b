// A policy file that is to be taken, and what it would change.
#ifndef COUNTERSIGN_CA_POLICY_RELOAD_H_
#define COUNTERSIGN_CA_POLICY_RELOAD_H_

#include <cstddef>
#include <string>

#include "ca/replay.h"

namespace countersign::ca {

struct ReloadOrder {
  bool force = false;
  // With `force`: of what is to be taken, as a refusal named it. "": what was refused last.
  std::string digest;
};

struct PolicyReload {
  std::string digest;  // SHA-256 of the file and of its lists, hex
  std::size_t rules = 0;
  bool forced = false;
  Replay change;        // of the last day's requests; examined is 0 if nothing was judged
  std::string refusal;  // why it is not taken, for people; "": it is in force now
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_POLICY_RELOAD_H_
