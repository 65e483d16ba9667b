// The key rules: what a public key must be for a certificate to bind it to a name.
#include <openssl/core_names.h>

#include "x509/key.h"
#include "x509/key_handle.h"

namespace countersign::x509 {
namespace {

Result<void> check_rsa(const PublicKey::Handle& handle) {
  if (handle.spec.bits < 2048 || handle.spec.bits > 8192) {
    return fail(Code::bad_key, "The RSA key has " + std::to_string(handle.spec.bits) +
                                   " bits; 2048 to 8192 are accepted.");
  }
  ::BIGNUM* n = nullptr;
  ::BIGNUM* e = nullptr;
  ::EVP_PKEY_get_bn_param(handle.key.get(), OSSL_PKEY_PARAM_RSA_N, &n);
  ::EVP_PKEY_get_bn_param(handle.key.get(), OSSL_PKEY_PARAM_RSA_E, &e);
  const Owned<::BIGNUM> modulus(n);
  const Owned<::BIGNUM> exponent(e);
  if (!modulus || !exponent) {
    return fail(Code::bad_key, "The RSA key cannot be read.", drain_errors());
  }
  if (::BN_is_odd(modulus.get()) != 1) return fail(Code::bad_key, "The RSA modulus is even.");
  if (::BN_is_odd(exponent.get()) != 1) return fail(Code::bad_key, "The RSA exponent is even.");
  if (::BN_is_one(exponent.get()) == 1) {
    return fail(Code::bad_key, "The RSA exponent is 1: anyone could forge its signatures.");
  }
  // No real key has a larger one, and checking a signature costs as much as it is long.
  if (::BN_num_bits(exponent.get()) > 33) {
    return fail(Code::bad_key, "The RSA exponent is over 33 bits.");
  }
  return {};
}

}  // namespace

Result<void> check_key(const PublicKey& key) {
  const PublicKey::Handle& handle = key.handle();
  switch (handle.spec.algorithm) {
    case KeyAlgorithm::rsa:
      return check_rsa(handle);
    // The point is on the curve and not infinity, or it could not be read (key.cpp). On these
    // curves, of cofactor 1, every such point generates the whole group, so that is the full check
    // (SP 800-56A 5.6.2.3.4).
    case KeyAlgorithm::ec:
    case KeyAlgorithm::ed25519:
      return {};
    case KeyAlgorithm::other:
      break;
  }
  return fail(Code::bad_key, "Keys of the kind " + handle.kind +
                                 " are not accepted; use RSA, P-256, P-384, P-521 or Ed25519.");
}

}  // namespace countersign::x509
