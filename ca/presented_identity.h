// Identity documents on their way through a request: found, held against what the store has of
// their machine, and bound to its certificate.
#ifndef COUNTERSIGN_CA_PRESENTED_IDENTITY_H_
#define COUNTERSIGN_CA_PRESENTED_IDENTITY_H_

#include <optional>
#include <string>
#include <string_view>

#include "ca/examination.h"
#include "ca/identity_providers.h"
#include "policy/facts.h"
#include "store/store.h"

namespace countersign::ca {

// The document that came with the request: beside it, or else as its challenge password, or else as
// its attribute or extension pp_preshared_key. Empty if none did.
std::string_view presented_document(const Submission& submission, const x509::Csr& csr);

// Fills the facts' `identity`, and what the store has of the instance. The document is not good,
// too, if its instance has a live certificate with another key or under another name; or if it is
// old, and the instance did not first come with this key. Blocks for reads of the store.
Result<void> find_identity(const store::Store& store, const IdentityProviders& providers,
                           std::string_view document, Timestamp now, Examined& request);

// A machine whose answer was lost asks again, with the same key and instance but another CSR: fills
// `bound` with the certificate that it has under this name. Blocks for reads.
Result<void> find_bound(const store::Store& store, Timestamp now, Examined& request);

// Binds the instance of the request to its new certificate: it must still have the one that was
// looked at. For a request whose document is good.
store::BindInstance binding_of(const Examined& request,
                               const store::CertificateRecord& certificate);

// For an approval of a stored request: nullopt if none proved its machine. not_granted if the
// instance has a live certificate with another key or under another name. The certificate is to be
// filled in. Blocks for reads of the store.
Result<std::optional<store::BindInstance>> binding_of_approval(const store::Store& store,
                                                               const store::RequestRecord& request,
                                                               const x509::Csr& csr, Timestamp now);
void fill_in(store::BindInstance& binding, const store::CertificateRecord& certificate);

// For the stored request, JSON: {"provider","problem","kind","subject","claims"}; "" if no document
// came. No part of the document itself but its claims.
std::string identity_to_json(const Examined& request);
// The facts of such a text; nullopt if it is empty or cannot be read.
std::optional<policy::PresentedIdentity> identity_from_json(std::string_view json);

// One line for the audit: "aws 123456789012/eu-west-1/i-0abc", or "refused: …"; "" if none came.
std::string identity_note(const Examined& request);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_PRESENTED_IDENTITY_H_
