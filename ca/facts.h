// From a CSR to what policy sees of it.
#ifndef COUNTERSIGN_CA_FACTS_H_
#define COUNTERSIGN_CA_FACTS_H_

#include <string>
#include <vector>

#include "policy/facts.h"
#include "x509/csr.h"

namespace countersign::ca {

// `source` is an IP address or "". has_live_certificate is left false: only the store knows.
policy::Facts facts_of(const x509::Csr& csr, const std::string& source);

// The one CN of the request, after the name rules (policy/certname.h). bad_csr if it has several,
// bad_name if there is none or it breaks the rules; name_mismatch, with Puppet's own text, if
// `expected` is not empty and differs.
Result<std::string> certname_of(const x509::Csr& csr, const std::string& expected);

// "DNS:a, IP:10.0.0.1".
std::string names_text(const std::vector<x509::GeneralName>& names);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_FACTS_H_
