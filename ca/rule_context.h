// What rules may refer to in a service's configuration.
#ifndef COUNTERSIGN_CA_RULE_CONTEXT_H_
#define COUNTERSIGN_CA_RULE_CONTEXT_H_

#include "ca/authority.h"
#include "policy/rule_set.h"

namespace countersign::ca {

// Its profiles, "agent" first as the default, and its deciders.
policy::LoadContext rule_context(const AuthorityConfig& config);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_RULE_CONTEXT_H_
