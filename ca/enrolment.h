// Enrolment tokens on their way through a request: found, held against it, and told apart from a
// retry.
#ifndef COUNTERSIGN_CA_ENROLMENT_H_
#define COUNTERSIGN_CA_ENROLMENT_H_

#include <optional>
#include <string_view>

#include "ca/examination.h"
#include "policy/facts.h"
#include "store/store.h"

namespace countersign::ca {

// Every secret begins so: it is recognised in a challenge password, and where it should not be, in
// a log or a repository.
inline constexpr std::string_view kEnrolmentPrefix = "cse_";

// Is the value an enrolment token or an identity document? Such an extension is never put into a
// certificate: those are public.
bool is_credential(const x509::Extension& extension);

// The secret that came with the request: beside it, or else as its challenge password, or else as
// its attribute or extension pp_preshared_key. Empty if none did.
std::string_view presented_secret(const Submission& submission, const x509::Csr& csr);

// Does a CSR, DER, carry a password that others must not read while it waits? Yes if it cannot be
// read.
bool carries_secret(ByteView csr);

// What the secret is worth for a request with these facts. nullopt for an empty secret. Found by
// its hash: the comparison cannot leak more than the hash of a guess. Blocks for a read of the
// store.
Result<std::optional<policy::PresentedToken>> find_token(const store::Store& store,
                                                         std::string_view secret,
                                                         const policy::Facts& facts, Timestamp now);

// A machine whose answer was lost asks again, with the same key and token but another CSR: fills
// `repeated` with the certificate that the token gave it, if that still stands. Blocks for reads.
Result<void> find_redeemed(const store::Store& store, Timestamp now, Examined& request);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_ENROLMENT_H_
