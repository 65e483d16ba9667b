#include "x509/certificate.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "tests/x509/maker.h"

namespace countersign::x509 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

struct Free {
  void operator()(::X509* certificate) const { ::X509_free(certificate); }
};
std::unique_ptr<::X509, Free> openssl_certificate(ByteView der) {
  const std::uint8_t* data = der.data();
  std::unique_ptr<::X509, Free> out(::d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  EXPECT_EQ(data, der.data() + der.size());
  return out;
}

Bytes root_certificate() {
  CertificateContent content = leaf_content();
  content.subject = content.issuer;
  content.spki = to_bytes(ec_key().public_key().spki());
  content.extensions = {basic_constraints(true, 0), key_usage(kKeyCertSign | kCrlSign),
                        subject_key_identifier(ec_key().public_key().key_id())};
  return issue(content);
}

TEST(Certificate, SaysWhatWasPutIn) {
  const CertificateContent content = leaf_content();
  const Bytes der = issue(content);
  const auto parsed = Certificate::parse(der);
  ASSERT_TRUE(parsed) << parsed.error().detail;
  const Certificate& leaf = **parsed;
  EXPECT_EQ(leaf.serial(), content.serial);
  EXPECT_EQ(leaf.subject(), content.subject);
  EXPECT_EQ(leaf.issuer(), content.issuer);
  EXPECT_EQ(leaf.common_name(), "host.example.com");
  EXPECT_EQ(leaf.issuer_common_name(), "Test CA");
  EXPECT_EQ(leaf.not_before(), Timestamp(content.not_before));
  EXPECT_EQ(leaf.not_after(), Timestamp(content.not_after));
  EXPECT_EQ(leaf.extensions(), content.extensions);
  EXPECT_EQ(leaf.subject_key_id(), other_key().public_key().key_id());
  EXPECT_EQ(leaf.authority_key_id(), ec_key().public_key().key_id());
  EXPECT_EQ(to_string(leaf.subject_alt_names().at(0)), "DNS:host.example.com");
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_TRUE(leaf.signed_by(ec_key().public_key()));
  EXPECT_FALSE(leaf.signed_by(other_key().public_key()));
  EXPECT_EQ(leaf.find("1.2.3"), nullptr);
  EXPECT_EQ(text_of(*leaf.find("1.3.6.1.4.1.34380.1.1.13")), "webserver");
  EXPECT_EQ(Certificate::parse_pem(leaf.pem()).value()->sha256(), leaf.sha256());
}

TEST(Certificate, OpensslVerifiesTheChain) {
  const auto root = openssl_certificate(root_certificate());
  const auto leaf = openssl_certificate(issue(leaf_content()));
  ASSERT_TRUE(root && leaf);
  ::X509_STORE* store = ::X509_STORE_new();
  ::X509_STORE_add_cert(store, root.get());
  ::X509_STORE_CTX* context = ::X509_STORE_CTX_new();
  ASSERT_EQ(::X509_STORE_CTX_init(context, store, leaf.get(), nullptr), 1);
  ::X509_VERIFY_PARAM* param = ::X509_STORE_CTX_get0_param(context);
  ::X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
  ::X509_VERIFY_PARAM_set_time(param, at("2026-06-01T00:00:00Z").time_since_epoch().count());
  ::X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  ::X509_VERIFY_PARAM_set1_host(param, "host.example.com", 0);
  EXPECT_EQ(::X509_verify_cert(context), 1)
      << ::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(context));
  ::X509_STORE_CTX_free(context);
  ::X509_STORE_free(store);
}

TEST(Certificate, AnRsaAndAnEd25519IssuerVerifyWithOpenssl) {
  for (const KeySpec& spec :
       {KeySpec{KeyAlgorithm::rsa, 2048}, KeySpec{KeyAlgorithm::ed25519, 256}}) {
    const PrivateKey key = PrivateKey::generate(spec).value();
    CertificateContent content = leaf_content();
    content.spki = to_bytes(key.public_key().spki());
    const auto certificate = openssl_certificate(issue(content, key));
    ASSERT_TRUE(certificate);
    EXPECT_EQ(::X509_verify(certificate.get(), ::X509_get0_pubkey(certificate.get())), 1);
  }
}

TEST(Certificate, UrlsOfProfilesAreReadByOpenssl) {
  CertificateContent content = leaf_content();
  content.extensions.push_back(crl_distribution_points({"http://ca/crl"}));
  content.extensions.push_back(authority_info_access({"http://ca/ocsp"}, {"http://ca/issuer"}));
  content.extensions.push_back(netscape_comment("a comment"));
  const auto certificate = openssl_certificate(issue(content));
  for (const int nid : {NID_crl_distribution_points, NID_info_access, NID_netscape_comment}) {
    const int index = ::X509_get_ext_by_NID(certificate.get(), nid, -1);
    ASSERT_GE(index, 0);
    ::BIO* out = ::BIO_new(::BIO_s_mem());
    EXPECT_EQ(::X509V3_EXT_print(out, ::X509_get_ext(certificate.get(), index), 0, 0), 1);
    char* text = nullptr;
    const long size = ::BIO_get_mem_data(out, &text);
    const std::string_view printed(text, static_cast<std::size_t>(size));
    EXPECT_NE(printed.find(nid == NID_netscape_comment ? "a comment" : "URI:http://ca/"),
              std::string_view::npos)
        << printed;
    ::BIO_free(out);
  }
}

TEST(Certificate, EveryKeyUsageBitIsWhereOpensslLooksForIt) {
  for (unsigned bit = 0; bit < 7; ++bit) {
    CertificateContent content = leaf_content();
    content.extensions = {key_usage(1U << bit)};
    const auto certificate = openssl_certificate(issue(content));
    auto* usage = static_cast<::ASN1_BIT_STRING*>(
        ::X509_get_ext_d2i(certificate.get(), NID_key_usage, nullptr, nullptr));
    ASSERT_NE(usage, nullptr);
    for (int other = 0; other < 9; ++other) {
      EXPECT_EQ(::ASN1_BIT_STRING_get_bit(usage, other), static_cast<unsigned>(other) == bit);
    }
    ::ASN1_BIT_STRING_free(usage);
  }
}

TEST(Certificate, ALongCommonNameIsKept) {
  const std::string name(200, 'a');
  CertificateContent content = leaf_content();
  content.subject = common_name_only(name);
  EXPECT_EQ(Certificate::parse(issue(content)).value()->common_name(), name);
}

TEST(Certificate, ASerialOfAnySizeComesBackWithoutZerosInFront) {
  for (const char* serial : {"00", "01", "7F", "80", "FF00"}) {
    CertificateContent content = leaf_content();
    content.serial = from_hex(serial).value();
    EXPECT_EQ(to_hex(Certificate::parse(issue(content)).value()->serial()), serial);
  }
}

TEST(Certificate, BadOnesAreMalformed) {
  const Bytes good = issue(leaf_content());
  Bytes trailing = good;
  trailing.push_back(0);
  CertificateContent twice = leaf_content();
  twice.extensions.push_back(twice.extensions.back());
  CertificateContent bad_key = leaf_content();
  bad_key.spki = from_hex("3000").value();
  const Bytes tbs = encode_tbs(leaf_content(), ec_key().signature_algorithm());
  const Bytes two_algorithms = assemble_signed(
      tbs, from_hex("300D06092A864886F70D01010B0500").value(), ec_key().sign(tbs).value());
  for (const Bytes& der : {Bytes{}, trailing, issue(twice), issue(bad_key), two_algorithms,
                           Bytes(good.begin(), good.end() - 1)}) {
    const auto parsed = Certificate::parse(der);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, Code::malformed);
  }
}

TEST(Certificate, AUniqueIdentifierIsRefused) {
  CertificateContent content = leaf_content();
  // issuerUniqueID [1], a BIT STRING without its first octet, where the extensions would begin.
  content.spki.insert(content.spki.end(), {0x81, 0x00});
  const auto parsed = Certificate::parse(issue(content));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().detail,
            "The certificate has a unique identifier, which is not accepted.");
}

TEST(ExtensionBuilders, RefuseWhatCannotBeEncoded) {
  using Type = GeneralName::Type;
  EXPECT_THROW(subject_alt_name({{Type::dns, "é"}}), std::invalid_argument);
  EXPECT_THROW(subject_alt_name({{Type::ip, "10.0.0"}}), std::invalid_argument);
  EXPECT_THROW(extended_key_usage({"x"}, false), std::invalid_argument);
  EXPECT_THROW(utf8_extension("1.2.3", "\xFF"), std::invalid_argument);
  EXPECT_THROW(crl_distribution_points({"http://a b"}), std::invalid_argument);
  EXPECT_THROW(netscape_comment("é"), std::invalid_argument);
}

}  // namespace
}  // namespace countersign::x509
