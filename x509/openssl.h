// What the files of x509/ share of OpenSSL: ownership, the error queue, digests. Internal.
#ifndef COUNTERSIGN_X509_OPENSSL_H_
#define COUNTERSIGN_X509_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace countersign::x509 {

template <auto release>
struct ReleaseWith {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};

// How each type of OpenSSL's is released.
template <class T>
struct Deleter;
template <>
struct Deleter<::BIGNUM> : ReleaseWith<::BN_free> {};
template <>
struct Deleter<::BIO> : ReleaseWith<::BIO_free_all> {};
template <>
struct Deleter<::CMS_ContentInfo> : ReleaseWith<::CMS_ContentInfo_free> {};
template <>
struct Deleter<::EVP_MD_CTX> : ReleaseWith<::EVP_MD_CTX_free> {};
template <>
struct Deleter<::EVP_PKEY> : ReleaseWith<::EVP_PKEY_free> {};
template <>
struct Deleter<::EVP_PKEY_CTX> : ReleaseWith<::EVP_PKEY_CTX_free> {};
template <>
struct Deleter<::PKCS8_PRIV_KEY_INFO> : ReleaseWith<::PKCS8_PRIV_KEY_INFO_free> {};
template <>
struct Deleter<::X509> : ReleaseWith<::X509_free> {};
template <>
struct Deleter<::X509_STORE> : ReleaseWith<::X509_STORE_free> {};
template <>
struct Deleter<::X509_STORE_CTX> : ReleaseWith<::X509_STORE_CTX_free> {};
template <>
struct Deleter<::X509_SIG> : ReleaseWith<::X509_SIG_free> {};

template <class T>
using Owned = std::unique_ptr<T, Deleter<T>>;

// Takes all errors off this thread's queue, oldest first, "; " between. Called where a call failed,
// so that no error of one request is ever read during another.
std::string drain_errors();

enum class Digest { sha1, sha256, sha384, sha512 };

// Fetched once for the process: looking an algorithm up by name costs more than a short digest.
const ::EVP_MD* fetched(Digest digest);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_OPENSSL_H_
