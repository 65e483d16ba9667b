// What an operator, or Puppet's autosign, may let a certificate hold: the name, and of what was
// asked only what this file allows.
#ifndef COUNTERSIGN_CA_APPROVAL_H_
#define COUNTERSIGN_CA_APPROVAL_H_

#include <string>
#include <vector>

#include "ca/authority.h"
#include "ca/issuer.h"
#include "policy/decision.h"
#include "x509/csr.h"

namespace countersign::ca {

// DNS:certname first, then what was asked and allowed. not_granted, with Puppet's own text where it
// has one, if the request asks for anything else: it is refused as a whole, nothing is dropped.
Result<Grant> grant_of_approval(const x509::Csr& csr, const std::string& certname,
                                const Approval& approval);

// What a policy rule granted, taken from the CSR.
Grant grant_of_rule(const x509::Csr& csr, const std::string& certname,
                    const policy::Granted& granted);

// Is auto-renewal on, and does the CSR say that its machine uses it (attribute of contract 3.5)?
bool renews_itself(const PuppetSettings& settings, const x509::Csr& csr);

// How long its certificate lives if nobody says otherwise: auto_renewal_cert_ttl for a machine that
// renews by itself, else ca_ttl; nullopt: the profile's.
std::optional<std::chrono::seconds> usual_validity(const PuppetSettings& settings,
                                                   const x509::Csr& csr);

// For a request that waits: what its rule would let it hold. JSON.
std::string granted_to_json(const policy::Granted& granted);
Result<policy::Granted> granted_from_json(std::string_view json);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_APPROVAL_H_
