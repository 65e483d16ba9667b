// How a new certificate follows those that its name has.
#ifndef COUNTERSIGN_CA_SUCCESSION_H_
#define COUNTERSIGN_CA_SUCCESSION_H_

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "policy/reuse.h"
#include "store/store.h"
#include "x509/key.h"

namespace countersign::ca {

// The first two as in store::InsertCertificate.
struct Succession {
  bool replace = false;
  Bytes renews;
  std::vector<store::CertificateRecord> superseded;  // to be revoked in the same commit
};

// The certificate that decides whether the name is in use: the current one; but if that has
// expired, the newest that has outlived it and is not revoked, as after a renewal with a shorter
// validity. None: the name is free. Blocks for reads of the store.
Result<std::optional<store::CertificateRecord>> holder_of(const store::Store& store,
                                                          const std::string& certname,
                                                          Timestamp now);

// What follows the live certificate that a name stands for. It must still be that one when the new
// certificate is stored: whatever came in between, a renewal or another replacement, makes the
// batch fail. Blocks for a read of the store.
Result<Succession> succession_of(const store::Store& store, const store::CertificateRecord& live,
                                 policy::Reuse reuse, Timestamp now);

// For an approval of a request that found its name in use: by what the name has now. A certificate
// that was revoked meanwhile is no obstacle to a person, except for its own key
// (certificate_exists, revoked_exists). `duplicates`: Puppet's allow_duplicate_certs, for a request
// whose name was free. Blocks for reads of the store.
Result<Succession> succession_of_approval(const store::Store& store,
                                          const store::RequestRecord& request,
                                          const x509::PublicKey& key, bool duplicates,
                                          Timestamp now);

// Is it the key of the certificate?
bool has_key(const store::CertificateRecord& certificate, const x509::PublicKey& key);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_SUCCESSION_H_
