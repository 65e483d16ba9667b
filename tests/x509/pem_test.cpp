#include "x509/pem.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "x509/digest.h"

namespace countersign::x509 {
namespace {

const std::string kGood = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

TEST(Pem, ComesBackAsItWasAndOpensslReadsItToo) {
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes der(size);
    for (std::size_t i = 0; i < size; ++i) der[i] = static_cast<std::uint8_t>(i * 7);
    const std::string pem = pem_encode("CERTIFICATE", der);
    EXPECT_EQ(pem_decode(pem, {kPemCertificate}).value(), der);
    if (size == 0) continue;
    ::BIO* in = ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    ASSERT_EQ(::PEM_read_bio(in, &name, &header, &data, &length), 1);
    EXPECT_EQ(Bytes(data, data + length), der);
    ::OPENSSL_free(name);
    ::OPENSSL_free(header);
    ::OPENSSL_free(data);
    ::BIO_free(in);
  }
}

TEST(Pem, TextAroundABlockIsAllowed) {
  EXPECT_EQ(pem_decode("Certificate:\r\n  Data\r\n" + kGood + "bye", {kPemCertificate}).value(),
            (Bytes{1, 2, 3}));
}

TEST(Pem, LinesMayEndInCarriageReturns) {
  EXPECT_TRUE(pem_decode("-----BEGIN CERTIFICATE-----\r\nAQID\r\n-----END CERTIFICATE-----\r\n",
                         {kPemCertificate}));
}

TEST(Pem, HeadersAreSkipped) {
  EXPECT_EQ(pem_decode("-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\nAQID\n"
                       "-----END CERTIFICATE-----\n",
                       {kPemCertificate})
                .value(),
            (Bytes{1, 2, 3}));
}

TEST(Pem, BadTextIsMalformed) {
  std::string headers;
  for (int i = 0; i < 100; ++i) headers += "X-Header: 1\n";
  for (const std::string& text :
       {std::string(), std::string("hello"), kGood + kGood,
        std::string("-----BEGIN CERTIFICATE-----\nAQID\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQID\n-----END X509 CRL-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQ*D\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQI\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQI==\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQJ=\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nA=QI\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN RSA KEY-----\nAQID\n-----END RSA KEY-----\n"),
        "-----BEGIN CERTIFICATE-----\n" + headers + "\nAQID\n-----END CERTIFICATE-----\n"}) {
    const auto der = pem_decode(text, {kPemCertificate});
    ASSERT_FALSE(der) << text;
    EXPECT_EQ(der.error().code, Code::malformed);
    EXPECT_FALSE(der.error().detail.empty());
  }
}

TEST(Pem, SeveralBlocksComeInOrder) {
  const auto blocks = pem_decode_all(kGood + pem_encode("X509 CRL", Bytes{9}));
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ((*blocks)[0].label, "CERTIFICATE");
  EXPECT_EQ((*blocks)[1].label, "X509 CRL");
}

TEST(Digest, GivesTheKnownValues) {
  EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "A9993E364706816ABA3E25717850C26C9CD0D89D");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
  EXPECT_EQ(sha512({}).size(), 64U);
  EXPECT_EQ(colon_hex(Bytes{0xAB, 0x01}), "AB:01");
}

}  // namespace
}  // namespace countersign::x509
