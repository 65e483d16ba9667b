// A request for a name that has a live certificate: what its rule's `reuse` makes of it.
#ifndef COUNTERSIGN_CA_REUSE_H_
#define COUNTERSIGN_CA_REUSE_H_

#include "ca/examination.h"
#include "ca/verdict.h"

namespace countersign::ca {

// Fills the verdict's succession, or makes the request wait. Nothing if the name is free.
// certificate_exists if it is refused, as it would be without rules about names that are in use;
// request_exists if it would go on and another request of the name waits already. With Puppet's
// allow_duplicate_certs, what a rule refuses, or no rule speaks of, is as that setting says. Blocks
// for a read of the store.
Result<void> settle_reuse(const store::Store& store, const Examined& request, Timestamp now,
                          Verdict& verdict);

// Of a request that waits: adds to its reason, for the person who decides, which certificate the
// name has and what becomes of it.
void tell_of_live(const Examined& request, Verdict& verdict);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_REUSE_H_
