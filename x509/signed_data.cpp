#include "x509/signed_data.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <vector>

#include "x509/openssl.h"
#include "x509/pem.h"

namespace countersign::x509 {
namespace {

// A chain of a cloud has three.
constexpr int kMostInside = 10;
constexpr int kLeastRsaBits = 2048;

Error refused(std::string why) { return fail(Code::bad_proof, std::move(why), drain_errors()); }

Owned<::CMS_ContentInfo> read_cms(ByteView ber) {
  const unsigned char* at = ber.data();
  Owned<::CMS_ContentInfo> cms(::d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(ber.size())));
  if (at != ber.data() + ber.size()) cms.reset();
  return cms;
}

// Nothing under SHA-256, and nothing but plain RSA and ECDSA: the parameters of RSASSA-PSS could
// name another digest.
bool good_algorithms(::CMS_SignerInfo* signer) {
  static constexpr std::array kDigests = {NID_sha256, NID_sha384, NID_sha512};
  static constexpr std::array kSignatures = {
      NID_rsaEncryption,           NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption,
      NID_sha512WithRSAEncryption, NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,
      NID_ecdsa_with_SHA512,       NID_X9_62_id_ecPublicKey};
  ::X509_ALGOR* digest = nullptr;
  ::X509_ALGOR* signature = nullptr;
  ::CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, &signature);
  if (digest == nullptr || signature == nullptr) return false;
  const auto listed = [](const auto& list, const ::X509_ALGOR* algorithm) {
    return std::ranges::find(list, ::OBJ_obj2nid(algorithm->algorithm)) != list.end();
  };
  return listed(kDigests, digest) && listed(kSignatures, signature);
}

bool good_key(const ::X509& certificate) {
  const ::EVP_PKEY* key = ::X509_get0_pubkey(&certificate);
  if (key == nullptr) return false;
  const int kind = ::EVP_PKEY_get_base_id(key);
  return kind == EVP_PKEY_EC || (kind == EVP_PKEY_RSA && ::EVP_PKEY_get_bits(key) >= kLeastRsaBits);
}

// Its one signer, if it has the shape that the header promises.
Result<::CMS_SignerInfo*> signer_of(::CMS_ContentInfo& cms) {
  if (::OBJ_obj2nid(::CMS_get0_type(&cms)) != NID_pkcs7_signed) {
    return fail(Code::malformed, "It is no SignedData.");
  }
  if (::OBJ_obj2nid(::CMS_get0_eContentType(&cms)) != NID_pkcs7_data) {
    return refused("What is signed is not plain data.");
  }
  ::ASN1_OCTET_STRING** content = ::CMS_get0_content(&cms);
  if (content == nullptr || *content == nullptr) return refused("The signed content is not in it.");
  STACK_OF(CMS_SignerInfo)* signers = ::CMS_get0_SignerInfos(&cms);
  if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1) {
    return refused("It does not have exactly one signer.");
  }
  ::CMS_SignerInfo* signer = sk_CMS_SignerInfo_value(signers, 0);
  if (!good_algorithms(signer)) {
    return refused("It is not signed with RSA or ECDSA and SHA-256 or better.");
  }
  return signer;
}

// The content, if it is signed by the key of this certificate.
Result<Bytes> content_signed_by(::CMS_ContentInfo& cms, ::CMS_SignerInfo& signer,
                                ::X509& certificate) {
  if (!good_key(certificate)) return refused("The signer's key is too weak, or of another kind.");
  ::CMS_SignerInfo_set1_signer_cert(&signer, &certificate);
  const Owned<::BIO> out(::BIO_new(::BIO_s_mem()));
  constexpr unsigned kFlags = CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY;
  if (!out || ::CMS_verify(&cms, nullptr, nullptr, nullptr, out.get(), kFlags) != 1) {
    return refused("The signature is not by this signer, or not over this content.");
  }
  char* data = nullptr;
  const long size = ::BIO_get_mem_data(out.get(), &data);
  if (size <= 0) return refused("The signed content is empty.");
  return to_bytes(as_bytes({data, static_cast<std::size_t>(size)}));
}

using CertificateStack = std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)>;

CertificateStack certificates_inside(::CMS_ContentInfo& cms) {
  return {::CMS_get1_certs(&cms),
          [](STACK_OF(X509) * stack) { sk_X509_pop_free(stack, ::X509_free); }};
}

bool is_for(::X509& certificate, const std::string& host) {
  // With a dot in front it stands for every name under it.
  const std::string under = "." + host;
  constexpr unsigned kFlags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return ::X509_check_host(&certificate, host.data(), host.size(), kFlags, nullptr) == 1 ||
         ::X509_check_host(&certificate, under.data(), under.size(), kFlags, nullptr) == 1;
}

}  // namespace

struct SignedDataVerifier::Certificates {
  std::vector<Owned<::X509>> list;
  Owned<::X509_STORE> store{::X509_STORE_new()};
};

SignedDataVerifier::SignedDataVerifier(std::shared_ptr<const Certificates> certificates)
    : certificates_(std::move(certificates)) {}

Result<SignedDataVerifier> SignedDataVerifier::parse_pem(std::string_view text) {
  const auto blocks = pem_decode_all(text);
  if (blocks.has_error()) return blocks.error();
  auto certificates = std::make_shared<Certificates>();
  for (const PemBlock& block : *blocks) {
    const unsigned char* at = block.der.data();
    Owned<::X509> certificate(block.label == kPemCertificate
                                  ? ::d2i_X509(nullptr, &at, static_cast<long>(block.der.size()))
                                  : nullptr);
    if (!certificate || at != block.der.data() + block.der.size() ||
        ::X509_STORE_add_cert(certificates->store.get(), certificate.get()) != 1) {
      return fail(Code::malformed,
                  "The PEM block '" + block.label + "' is no certificate that can be read.",
                  drain_errors());
    }
    certificates->list.push_back(std::move(certificate));
  }
  if (certificates->list.empty()) return fail(Code::malformed, "There is no certificate in it.");
  return SignedDataVerifier(std::move(certificates));
}

Result<Bytes> SignedDataVerifier::content_by_signer(ByteView ber) const {
  if (ber.size() > kMaxBytes) return fail(Code::malformed, "It is over 64 KiB.");
  const auto cms = read_cms(ber);
  if (!cms) return fail(Code::malformed, "It is no SignedData.", drain_errors());
  const auto signer = signer_of(*cms);
  if (signer.has_error()) return signer.error();
  Error last = refused("The signer is none of the configured certificates.");
  // Several regions may have certificates of one issuer and serial.
  for (const auto& certificate : certificates_->list) {
    if (::CMS_SignerInfo_cert_cmp(*signer, certificate.get()) != 0) continue;
    auto content = content_signed_by(*cms, **signer, *certificate);
    if (content.has_value()) return content;
    last = content.error();
  }
  return last;
}

Result<Bytes> SignedDataVerifier::content_by_chain(ByteView ber, const std::string& host,
                                                   Timestamp now) const {
  if (ber.size() > kMaxBytes) return fail(Code::malformed, "It is over 64 KiB.");
  const auto cms = read_cms(ber);
  if (!cms) return fail(Code::malformed, "It is no SignedData.", drain_errors());
  const auto signer = signer_of(*cms);
  if (signer.has_error()) return signer.error();
  const auto inside = certificates_inside(*cms);
  const int count = inside ? sk_X509_num(inside.get()) : 0;
  ::X509* certificate = nullptr;
  for (int i = 0; i < std::min(count, kMostInside) && certificate == nullptr; ++i) {
    ::X509* candidate = sk_X509_value(inside.get(), i);
    if (::CMS_SignerInfo_cert_cmp(*signer, candidate) == 0) certificate = candidate;
  }
  if (certificate == nullptr || count > kMostInside) {
    return refused("The signer's certificate is not in it, or too many others are.");
  }
  if (!is_for(*certificate, host))
    return refused("The signer's certificate is not for " + host + ".");
  const Owned<::X509_STORE_CTX> context(::X509_STORE_CTX_new());
  if (!context || ::X509_STORE_CTX_init(context.get(), certificates_->store.get(), certificate,
                                        inside.get()) != 1) {
    return refused("The signer's certificate cannot be checked.");
  }
  ::X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN);
  ::X509_STORE_CTX_set_time(context.get(), 0,
                            std::chrono::system_clock::to_time_t(
                                std::chrono::time_point_cast<std::chrono::seconds>(now)));
  if (::X509_verify_cert(context.get()) != 1) {
    return refused(std::string("The signer's certificate is not trusted: ") +
                   ::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(context.get())) +
                   ".");
  }
  return content_signed_by(*cms, **signer, *certificate);
}

}  // namespace countersign::x509
