// SignedData of CMS (RFC 5652 section 5) or PKCS#7 with its content inside, as clouds sign what
// they say of a machine.
#ifndef COUNTERSIGN_X509_SIGNED_DATA_H_
#define COUNTERSIGN_X509_SIGNED_DATA_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace countersign::x509 {

// Immutable, thread-safe.
//
// Both checks return the content that the signature covers: bad_proof with the reason otherwise,
// malformed if it is no SignedData or over kMaxBytes. There must be exactly one signer, with
// SHA-256, SHA-384 or SHA-512 and RSA (2048 bits or more) or ECDSA; the content, of type id-data,
// must be inside. BER is taken, as clouds write it.
class SignedDataVerifier {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;

  // One or more certificates, PEM. malformed with what is wrong.
  static Result<SignedDataVerifier> parse_pem(std::string_view certificates);

  // The signer is one of the certificates, by its key. Certificates inside count for nothing, and
  // so does the validity of those here: they are pinned.
  Result<Bytes> content_by_signer(ByteView ber) const;
  // The signer's certificate is inside, is for `host` or a name under it, and chains, over others
  // inside, to one of the certificates; each is valid at `now`. Revocation is not asked for.
  Result<Bytes> content_by_chain(ByteView ber, const std::string& host, Timestamp now) const;

 private:
  struct Certificates;
  explicit SignedDataVerifier(std::shared_ptr<const Certificates> certificates);
  std::shared_ptr<const Certificates> certificates_;
};

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_SIGNED_DATA_H_
