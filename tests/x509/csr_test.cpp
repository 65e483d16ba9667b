#include "x509/csr.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "tests/x509/maker.h"
#include "x509/pem.h"

namespace countersign::x509 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kCn = "2.5.4.3";

Error refusal(ByteView der) {
  const auto csr = Csr::parse(der);
  EXPECT_FALSE(csr);
  return csr ? Error{} : csr.error();
}

TEST(Csr, EveryPartOfOneMadeByOpensslIsSeen) {
  const auto csr = Csr::parse(test_data("../fuzz/corpus/csr/everything.der"));
  ASSERT_TRUE(csr) << csr.error().detail;
  const Csr& request = **csr;
  EXPECT_TRUE(request.verify_possession());
  EXPECT_EQ(request.common_names(), std::vector<std::string>{"web-1.example.com"});
  EXPECT_EQ(request.challenge_password(), "open sesame");
  ASSERT_EQ(request.extensions().size(), 4U);
  EXPECT_EQ(request.extensions()[1].oid, oid::kBasicConstraints) << "CA:TRUE hides nowhere";
  EXPECT_TRUE(request.extensions()[1].critical);
  EXPECT_EQ(request.extensions()[1].value, basic_constraints(true).value);
  EXPECT_EQ(text_of(request.extensions()[3]), "webserver");
  std::vector<std::string> names;
  for (const GeneralName& name : request.subject_alt_names()) names.push_back(to_string(name));
  EXPECT_EQ(names, (std::vector<std::string>{
                       "DNS:web-1.example.com", "DNS:*.example.com", "IP:10.0.0.1",
                       "IP:2001:db8::1", "email:root@example.com", "URI:https://example.com/x",
                       "RID:88032A0304", "dirName:A4133011310F300D06035504030C06696E73696465",
                       "otherName:A00E06032A0305A0070C056F74686572"}));
  EXPECT_EQ(subject_alt_name(request.subject_alt_names()).value, request.extensions()[0].value);
}

TEST(Csr, EachRequestOfTheCorpusProvesItsKeyAndComesBackFromPem) {
  for (const auto& entry : std::filesystem::directory_iterator(test_folder() / "fuzz/corpus/csr")) {
    const auto csr =
        Csr::parse(test_data("../fuzz/corpus/csr/" + entry.path().filename().string()));
    ASSERT_TRUE(csr) << entry.path() << csr.error().detail;
    EXPECT_TRUE((*csr)->verify_possession()) << entry.path();
    EXPECT_TRUE(check_key((*csr)->public_key())) << entry.path();
    const auto again = Csr::parse_pem((*csr)->pem());
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->sha256(), (*csr)->sha256());
  }
}

TEST(Csr, OpensslReadsWhatOurMakerWrites) {
  const Bytes der = csr_with_extensions({subject_alt_name({{GeneralName::Type::dns, "a.b"}})});
  const std::uint8_t* data = der.data();
  ::X509_REQ* request = ::d2i_X509_REQ(nullptr, &data, static_cast<long>(der.size()));
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(::X509_REQ_verify(request, ::X509_REQ_get0_pubkey(request)), 1);
  ::X509_REQ_free(request);
  ASSERT_TRUE(Csr::parse(der));
}

TEST(Csr, BytesThatAreNoDerAreMalformed) {
  const Bytes good = make_csr({});
  Bytes trailing = good;
  trailing.push_back(0);
  Bytes short_one(good.begin(), good.end() - 1);
  Bytes indefinite = {0x30, 0x80};
  indefinite.insert(indefinite.end(), good.begin() + 4, good.end());
  indefinite.insert(indefinite.end(), {0, 0});
  ASSERT_EQ(good[1], 0x81) << "one octet of length";
  Bytes long_length = {0x30, 0x82, 0x00};
  long_length.insert(long_length.end(), good.begin() + 2, good.end());
  for (const Bytes& bad : {Bytes{}, Bytes{0x30}, trailing, short_one, indefinite, long_length,
                           to_bytes(as_bytes("hello"))}) {
    EXPECT_EQ(refusal(bad).code, Code::malformed) << to_hex(bad);
  }
}

TEST(Csr, TooManyBytesAreTooLarge) {
  EXPECT_EQ(refusal(Bytes(Csr::kMaxBytes + 1)).code, Code::too_large);
}

TEST(Csr, TwoPemBlocksAreMalformed) {
  const std::string pem = pem_encode(kPemCsr, make_csr({}));
  EXPECT_TRUE(Csr::parse_pem(pem));
  EXPECT_TRUE(Csr::parse_pem(pem_encode(kPemNewCsr, make_csr({}))));
  EXPECT_TRUE(Csr::parse_pem(as_text(make_csr({})))) << "DER";
  EXPECT_EQ(Csr::parse_pem(pem + pem).error().code, Code::malformed);
  EXPECT_EQ(Csr::parse_pem(pem_encode(kPemCertificate, make_csr({}))).error().code,
            Code::malformed);
}

TEST(Csr, ASignatureByAnotherKeyProvesNothing) {
  const auto csr = Csr::parse(make_csr({}, other_key()));
  ASSERT_TRUE(csr);
  EXPECT_EQ((*csr)->verify_possession().error().code, Code::bad_proof);
}

struct RefusedFile {
  const char* file;
  Code code;
  const char* words;
};
class RefusedFiles : public ::testing::TestWithParam<RefusedFile> {};

TEST_P(RefusedFiles, SayWhatIsWrong) {
  const auto csr = Csr::parse(test_data(std::string("csr/") + GetParam().file));
  Result<void> result = Result<void>();
  if (!csr) {
    result = csr.error();
  } else if (const auto key = check_key((*csr)->public_key()); !key) {
    result = key.error();
  } else {
    result = (*csr)->verify_possession();
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, GetParam().code) << result.error().detail;
  EXPECT_NE(result.error().detail.find(GetParam().words), std::string::npos)
      << result.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Csr, RefusedFiles,
    ::testing::Values(RefusedFile{"explicit_parameters.der", Code::bad_key, "given by name"},
                      RefusedFile{"secp256k1.der", Code::bad_key, "secp256k1"},
                      RefusedFile{"dsa.der", Code::bad_key, "DSA"},
                      RefusedFile{"rsa1024.der", Code::bad_key, "1024 bits"},
                      RefusedFile{"rsa_pss_key.der", Code::bad_key, "RSA-PSS"},
                      RefusedFile{"sha1.der", Code::bad_proof, "SHA-1"},
                      RefusedFile{"rsa_pss.der", Code::bad_proof, "RSASSA-PSS"}),
    [](const auto& row) { return std::filesystem::path(row.param.file).stem().string(); });

TEST(Csr, EveryCommonNameIsVisible) {
  const auto csr = Csr::parse(csr_with_subject(
      {rdn("2.5.4.10", der::kPrintableString, "Example"), rdn(kCn, der::kUtf8String, "é"),
       rdn(kCn, der::kPrintableString, "b"), rdn(kCn, der::kIa5String, "c"),
       rdn(kCn, der::kT61String, "d"), rdn(kCn, der::kBmpString, std::string("\0e", 2))}));
  ASSERT_TRUE(csr) << csr.error().detail;
  EXPECT_EQ((*csr)->common_names(), (std::vector<std::string>{"é", "b", "c", "d", "e"}));
}

TEST(Csr, ASubjectThatCannotBeReadIsABadCsr) {
  for (const Bytes& part :
       {rdn(kCn, der::kUtf8String, std::string("good\0.evil", 10)),
        rdn(kCn, der::kBmpString, std::string("\0a\0\0", 4)), rdn(kCn, der::kBmpString, "abc"),
        rdn(kCn, der::kT61String, "\xE9"), rdn(kCn, der::kPrintableString, "\xE9"),
        rdn(kCn, der::kUtf8String, "\xE9"), rdn(kCn, der::kOctetString, "a"),
        rdn("2.5.4.10", der::kUtf8String, "\xFF"), Bytes{0x31, 0x00}}) {
    const Error error = refusal(csr_with_subject({part}));
    EXPECT_EQ(error.code, Code::bad_csr) << to_hex(part);
    EXPECT_NE(error.detail.find("subject"), std::string::npos) << error.detail;
  }
}

TEST(Csr, AnotherVersionIsABadCsr) {
  CsrContent content;
  content.version = 1;
  EXPECT_EQ(refusal(make_csr(content)).code, Code::bad_csr);
}

TEST(Csr, TheVersionThatPuppetsCommandLineWritesIsTaken) {
  CsrContent content;
  content.version = 2;
  EXPECT_TRUE(Csr::parse(make_csr(content)).has_value());
}

TEST(Csr, ADuplicateExtensionIsNamed) {
  const Error error = refusal(csr_with_extensions(
      {utf8_extension("1.2.3.4", "a"), key_usage(1), utf8_extension("1.2.3.4", "b")}));
  EXPECT_EQ(error.code, Code::bad_csr);
  EXPECT_EQ(error.detail, "The extension 1.2.3.4 is given twice.");
}

TEST(Csr, ASecondExtensionRequestIsABadCsr) {
  const Bytes value = extensions_value({key_usage(1)});
  const Bytes one = attribute(oid::kExtensionRequest, {value});
  EXPECT_EQ(refusal(csr_with_attributes({one, one})).code, Code::bad_csr);
  EXPECT_EQ(refusal(csr_with_attributes({attribute(oid::kExtensionRequest, {value, value})})).code,
            Code::bad_csr);
  EXPECT_EQ(refusal(csr_with_attributes({attribute(oid::kExtensionRequest, {})})).code,
            Code::bad_csr);
}

TEST(Csr, AnExtensionThatIsMarkedNotCriticalIsNotDer) {
  const Bytes value = from_hex(
                          "300E300C06032A0304010100040205"
                          "00")
                          .value();
  EXPECT_EQ(refusal(csr_with_attributes({attribute(oid::kExtensionRequest, {value})})).code,
            Code::bad_csr);
}

TEST(Csr, MicrosoftsAttributeCountsWhereTheStandardOneIsMissing) {
  const Bytes standard =
      attribute(oid::kExtensionRequest, {extensions_value({utf8_extension("1.2.3", "a")})});
  const Bytes microsoft = attribute(oid::kMicrosoftExtensionRequest,
                                    {extensions_value({utf8_extension("1.2.4", "b")})});
  EXPECT_EQ(Csr::parse(csr_with_attributes({microsoft})).value()->extensions()[0].oid, "1.2.4");
  const auto both = Csr::parse(csr_with_attributes({microsoft, standard})).value();
  ASSERT_EQ(both->extensions().size(), 1U);
  EXPECT_EQ(both->extensions()[0].oid, "1.2.3");
}

TEST(Csr, AttributesAreReadAsText) {
  const auto csr = Csr::parse(csr_with_attributes(
      {attribute(oid::kChallengePassword, {text_value(der::kPrintableString, "secret")}),
       attribute("1.3.6.1.4.1.34380.1.2.1",
                 {text_value(der::kUtf8String, "é"), from_hex("020105").value()})}));
  ASSERT_TRUE(csr) << csr.error().detail;
  EXPECT_EQ((*csr)->challenge_password(), "secret");
  ASSERT_EQ((*csr)->attributes().size(), 2U);
  EXPECT_EQ((*csr)->attributes()[1].values, std::vector<std::string>{"é"});
}

TEST(Csr, AnAttributeTwiceOrInBadDerIsABadCsr) {
  const Bytes password = attribute(oid::kChallengePassword, {text_value(der::kUtf8String, "x")});
  EXPECT_EQ(refusal(csr_with_attributes({password, password})).code, Code::bad_csr);
  for (const char* value : {"02020001", "0300", "3080",
                            "240304"
                            "01AA"}) {
    EXPECT_EQ(refusal(csr_with_attributes({attribute("1.2.3", {from_hex(value).value()})})).code,
              Code::bad_csr)
        << value;
  }
}

TEST(Csr, NamesHaveALimit) {
  std::vector<GeneralName> names;
  for (int i = 0; i < 10'000; ++i) {
    names.push_back({GeneralName::Type::dns, "h" + std::to_string(i) + ".example.com"});
  }
  const Error error = refusal(csr_with_extensions({subject_alt_name(names)}));
  EXPECT_TRUE(error.code == Code::bad_csr || error.code == Code::too_large) << error.detail;
  names.resize(Csr::kMaxNames);
  EXPECT_TRUE(Csr::parse(csr_with_extensions({subject_alt_name(names)})));
}

TEST(Csr, ExtensionsHaveALimit) {
  std::vector<Extension> extensions;
  for (std::size_t i = 0; i <= Csr::kMaxExtensions; ++i) {
    extensions.push_back(utf8_extension("1.2.3." + std::to_string(i), "x"));
  }
  EXPECT_EQ(refusal(csr_with_extensions(extensions)).code, Code::bad_csr);
  extensions.pop_back();
  EXPECT_TRUE(Csr::parse(csr_with_extensions(extensions)));
}

TEST(Csr, BadAlternativeNamesAreABadCsr) {
  for (const char* der :
       {"3000", "30028200", "30048202610A", "3003820180", "300587030A0000", "300388012A00",
        "3003"
        "8A0161",
        "300381017F", "30030C0161", "0C0161", "3003820161FF"}) {
    const Extension san{std::string(oid::kSubjectAltName), false, from_hex(der).value()};
    EXPECT_EQ(refusal(csr_with_extensions({san})).code, Code::bad_csr) << der;
  }
}

TEST(Csr, EveryByteFlippedIsReadOrRefusedButNeverCrashes) {
  const Bytes good = csr_with_extensions({subject_alt_name({{GeneralName::Type::ip, "::1"}})});
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ flip);
      const auto csr = Csr::parse(bad);
      if (csr) {
        EXPECT_FALSE((*csr)->verify_possession()) << i;
      }
    }
  }
}

}  // namespace
}  // namespace countersign::x509
