// SignedData and certificates by OpenSSL itself, in many shapes, good and bad.
#ifndef COUNTERSIGN_TESTS_X509_SIGNED_DATA_MAKER_H_
#define COUNTERSIGN_TESTS_X509_SIGNED_DATA_MAKER_H_

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tests/x509/maker.h"

namespace countersign::x509::testing {

struct Party {
  std::shared_ptr<::EVP_PKEY> key;
  std::shared_ptr<::X509> certificate;

  std::string pem() const {
    const std::unique_ptr<::BIO, int (*)(::BIO*)> out(::BIO_new(::BIO_s_mem()), ::BIO_free);
    ::PEM_write_bio_X509(out.get(), certificate.get());
    char* data = nullptr;
    const long size = ::BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
};

// An RSA or P-256 key with a certificate by `issuer`, by itself if that is null; valid 2020 to
// 2045.
inline Party party(const std::string& name, const Party* issuer = nullptr, bool ca = false,
                   const std::string& host = "", unsigned rsa_bits = 2048, long serial = 7) {
  Party made;
  made.key.reset(rsa_bits > 0 ? ::EVP_RSA_gen(rsa_bits) : ::EVP_EC_gen("P-256"), ::EVP_PKEY_free);
  made.certificate.reset(::X509_new(), ::X509_free);
  ::X509* x = made.certificate.get();
  ::X509_set_version(x, X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(x), serial);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  ::X509_set_issuer_name(
      x, ::X509_get_subject_name(issuer != nullptr ? issuer->certificate.get() : x));
  ::ASN1_TIME_set_string(::X509_getm_notBefore(x), "20200101000000Z");
  ::ASN1_TIME_set_string(::X509_getm_notAfter(x), "20450101000000Z");
  ::X509_set_pubkey(x, made.key.get());
  const auto extend = [x](int nid, const std::string& value) {
    ::X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    ::X509_add_ext(x, extension, -1);
    ::X509_EXTENSION_free(extension);
  };
  if (ca) extend(NID_basic_constraints, "critical,CA:TRUE");
  if (!host.empty()) extend(NID_subject_alt_name, "DNS:" + host);
  ::X509_sign(x, (issuer != nullptr ? *issuer : made).key.get(), ::EVP_sha256());
  return made;
}

struct SignedShape {
  unsigned flags = CMS_BINARY;  // of CMS_sign
  const ::EVP_MD* digest = ::EVP_sha256();
  std::vector<const Party*> more_signers;
  std::vector<const Party*> more_certificates;
  int content_type = NID_pkcs7_data;
};

// DER.
inline Bytes sign_data(std::string_view content, const Party& signer,
                       const SignedShape& shape = {}) {
  const std::unique_ptr<::BIO, int (*)(::BIO*)> in(
      ::BIO_new_mem_buf(content.data(), static_cast<int>(content.size())), ::BIO_free);
  const std::unique_ptr<::CMS_ContentInfo, void (*)(::CMS_ContentInfo*)> cms(
      ::CMS_sign(nullptr, nullptr, nullptr, in.get(), shape.flags | CMS_PARTIAL),
      ::CMS_ContentInfo_free);
  const ::ASN1_OBJECT* type = ::OBJ_nid2obj(shape.content_type);
  ::CMS_set1_eContentType(cms.get(), type);
  ::CMS_add1_signer(cms.get(), signer.certificate.get(), signer.key.get(), shape.digest,
                    shape.flags);
  for (const Party* other : shape.more_signers) {
    ::CMS_add1_signer(cms.get(), other->certificate.get(), other->key.get(), shape.digest,
                      shape.flags);
  }
  for (const Party* other : shape.more_certificates) {
    ::CMS_add1_cert(cms.get(), other->certificate.get());
  }
  ::CMS_final(cms.get(), in.get(), nullptr, shape.flags);
  unsigned char* der = nullptr;
  const int size = ::i2d_CMS_ContentInfo(cms.get(), &der);
  Bytes bytes(der, der + (size > 0 ? size : 0));
  ::OPENSSL_free(der);
  return bytes;
}

}  // namespace countersign::x509::testing

#endif  // COUNTERSIGN_TESTS_X509_SIGNED_DATA_MAKER_H_
