#include "x509/key.h"

namespace countersign::x509 {
namespace {

// A key in this process's memory.
class LocalSigner final : public Signer {
 public:
  explicit LocalSigner(PrivateKey key) : key_(std::move(key)) {}
  const PublicKey& public_key() const override { return key_.public_key(); }
  Bytes signature_algorithm() const override { return key_.signature_algorithm(); }
  Result<Bytes> sign(ByteView data) const override { return key_.sign(data); }

 private:
  PrivateKey key_;
};

}  // namespace

std::unique_ptr<Signer> make_signer(PrivateKey key) {
  return std::make_unique<LocalSigner>(std::move(key));
}

}  // namespace countersign::x509
