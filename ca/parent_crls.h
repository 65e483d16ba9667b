// The CRLs of the CAs above ours: which of several is the newest, and whether the chain holds with
// them (Puppet contract 1.6). Errors are in Puppet's words.
#ifndef COUNTERSIGN_CA_PARENT_CRLS_H_
#define COUNTERSIGN_CA_PARENT_CRLS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "x509/certificate.h"
#include "x509/crl.h"

namespace countersign::ca {

using Chain = std::vector<std::shared_ptr<const x509::Certificate>>;  // ours first, the root last
using Crls = std::vector<std::shared_ptr<const x509::Crl>>;

// The CRLs of a PEM text, each once. malformed if there is none, or one that cannot be read; the
// cause says which.
Result<Crls> read_crls(std::string_view pem);

// `current` with each CRL replaced by the newest that `submitted` has of its CA, by number. The
// order stays; what has no counterpart in `current` is left out. malformed if a submitted one has
// no authority key id, or if two that differ share the highest number.
Result<Crls> newest_crls(const Crls& current, const Crls& submitted);

// The same for two sets that were both good once: of equal numbers the later thisUpdate counts, and
// at last the one of `current`.
Crls later_crls(const Crls& current, const Crls& kept);

// Does each hold for a relying party: signed by a CA of the chain above the first, valid now, not a
// delta, without a critical extension that nobody knows, and no certificate of the chain in it?
// malformed if not.
Result<void> check_crls(const Chain& chain, const Crls& crls, Timestamp now);

// The CA of the chain above ours that signed it; null if none did.
const x509::Certificate* parent_of(const Chain& chain, const x509::Crl& crl);

std::string to_pem(const Crls& crls);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_PARENT_CRLS_H_
