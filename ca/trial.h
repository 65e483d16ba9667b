// A policy tried on stored requests. Internal to ca/.
#ifndef COUNTERSIGN_CA_TRIAL_H_
#define COUNTERSIGN_CA_TRIAL_H_

#include <memory>
#include <string>
#include <vector>

#include "ca/authority.h"
#include "ca/replay.h"

namespace countersign::ca {

struct Trial {
  const AuthorityConfig& config;
  const store::Store& store;
  std::shared_ptr<const policy::RuleSet> rules;
  // What it is held against; null: against what was decided then.
  std::shared_ptr<const policy::RuleSet> in_force;

  // Decides the next requests behind replay.next again, a few milliseconds' worth: other work goes
  // in between. "" is there afterwards if this was the last page. Blocks for reads.
  Result<void> page(Replay& replay) const;
  // What of it is only near to the truth, for people.
  std::vector<std::string> notes() const;

 private:
  Result<void> decide_again(const store::RequestRecord& row, Replay& replay) const;
  ReplayOutcome outcome(const policy::RuleSet& by, const store::RequestRecord& row,
                        const std::shared_ptr<const x509::Csr>& csr, bool live,
                        std::string* reason) const;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_TRIAL_H_
