#include "x509/key.h"
#include "x509/key_handle.h"
#include "x509/signature_algorithm.h"

namespace countersign::x509 {

Result<void> PublicKey::verify(ByteView algorithm, ByteView data, ByteView signature) const {
  const auto parsed = parse_signature_algorithm(algorithm, handle_->spec.algorithm);
  if (!parsed) return parsed.error();
  const ::EVP_MD* digest = parsed->digest ? fetched(*parsed->digest) : nullptr;
  const Owned<::EVP_MD_CTX> context(::EVP_MD_CTX_new());
  if (!context ||
      ::EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, handle_->key.get()) != 1) {
    return fail(Code::bad_proof, "The signature cannot be checked with this key.", drain_errors());
  }
  if (::EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(),
                         data.size()) != 1) {
    return fail(Code::bad_proof, "The signature is not by this key.", drain_errors());
  }
  return {};
}

Result<void> PublicKey::verify(ByteView data, ByteView signature) const {
  if (handle_->spec.algorithm == KeyAlgorithm::other) {
    return fail(Code::bad_proof, "Keys of this kind do not sign here.");
  }
  return verify(encode(signature_algorithm_for(handle_->spec)), data, signature);
}

}  // namespace countersign::x509
