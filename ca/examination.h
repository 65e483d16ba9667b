// What is known of a request before anything is decided: what it says itself, and what the store
// has of its name.
#ifndef COUNTERSIGN_CA_EXAMINATION_H_
#define COUNTERSIGN_CA_EXAMINATION_H_

#include <memory>
#include <optional>
#include <string>

#include "ca/authority.h"
#include "ca/identity_providers.h"
#include "policy/decision.h"
#include "policy/facts.h"

namespace countersign::ca {

// A request that was read and may go on.
struct Examined {
  std::shared_ptr<const x509::Csr> csr;
  std::string certname;
  policy::Facts facts;
  std::optional<Submitted> repeated;  // it was here before: this is the answer
  std::optional<Submitted> waiting;   // the same, in the queue: the answer if it is to wait again
  bool replaces_certificate = false;  // allow_duplicate_certs, and there is one
  bool replaces_request = false;
  // The certificate that the name stands for, if it is neither revoked nor expired and the rules
  // have a word on names that are in use. Then, too, another request of the name may wait.
  std::optional<store::CertificateRecord> live;
  bool request_waits = false;
  std::optional<store::RequestRecord> denied_before;  // by policy: the name's newest request
  // Of the identity document that came, once it is verified: what it says, whether or not it is
  // good for this request, and what the store has of its instance.
  std::optional<Identity> identity;
  std::optional<store::InstanceRecord> instance;
  JsonWebKeySource* keys_wanted = nullptr;  // a fetch of these may verify it
  std::optional<Submitted> bound;  // what the instance has already: the answer, unless a rule says
                                   // more of names in use
};

// Is the stored request of the same machine? Puppet agents make a new CSR for each try, which with
// an EC key is never the same. No if it cannot be read.
bool is_of_same_key(const store::RequestRecord& row, const x509::Csr& csr);

// PEM or DER; parsed, the key checked, possession proven.
Result<std::shared_ptr<const x509::Csr>> read_csr(const std::string& text);

// Reads the CSR and looks its name up. A name that is held by a live or revoked certificate, or by
// a queued request with another key, is an error; one whose certificates have expired is free. With
// `reuse` a live certificate is left to the rules. out_of_scope if the caller is narrowed to other
// names. Blocks for reads of the store.
Result<Examined> examine(const store::Store& store, const Submission& submission,
                         const Caller& caller, const AuthorityConfig& config,
                         const IdentityProviders& identities, bool reuse, Timestamp now);

// Anyone can queue a name; who has a token for it has the better claim, if the rule that signs uses
// the token up: else one token could clear many names of the queue. So has a machine that a cloud
// vouches for, if the rule that signs asks for that. request_exists if another
// request of the name stays in the queue; where the name has a live certificate, request_waits says
// so. Pure. To be called with the policy's word, before limits and reserved names can hold it.
Result<void> put_aside_by_token(const policy::Decision& decision, Examined& request);

// Fills denied_before for a request that policy denies now: a machine that tries for ever, with a
// new CSR each time, must not fill the store. Blocks for a read of the store.
Result<void> find_denied(const store::Store& store, Examined& request);

// Puppet's text for request_exists, certificate_exists and revoked_exists.
Error name_taken(Code code, const std::string& certname);
bool is_name_taken(Code code);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_EXAMINATION_H_
