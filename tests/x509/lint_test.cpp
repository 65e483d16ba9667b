#include "x509/lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/x509/maker.h"

namespace countersign::x509 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

LintExpectation expected() {
  return {.issuer = common_name_only("Test CA"),
          .authority_key_id = ec_key().public_key().key_id(),
          .common_name = "host.example.com"};
}

// Replaces the bytes `from` of a to-be-signed certificate by as many others.
Bytes issue_with(std::string_view from, std::string_view to) {
  Bytes tbs = encode_tbs(leaf_content(), ec_key().signature_algorithm());
  const std::size_t found = as_text(tbs).find(from);
  EXPECT_NE(found, std::string_view::npos);
  std::ranges::copy(to, tbs.begin() + static_cast<std::ptrdiff_t>(found));
  return assemble_signed(tbs, ec_key().signature_algorithm(), ec_key().sign(tbs).value());
}

TEST(Lint, FindsNothingInASoundLeaf) {
  EXPECT_EQ(lint(issue(leaf_content()), expected()), std::vector<std::string>{});
}

struct Broken {
  const char* line;
  std::function<void(CertificateContent&)> spoil;
};
class Lints : public ::testing::TestWithParam<Broken> {};

TEST_P(Lints, FindTheOneBrokenRule) {
  CertificateContent content = leaf_content();
  GetParam().spoil(content);
  EXPECT_EQ(lint(issue(content), expected()), std::vector<std::string>{GetParam().line});
}

// What the rows do to the extension of an OID.
auto replaced(std::string_view oid, Extension by) {
  return [oid, by](CertificateContent& content) {
    *std::ranges::find(content.extensions, oid, &Extension::oid) = by;
  };
}
auto without(std::string_view oid) {
  return [oid](CertificateContent& content) {
    std::erase_if(content.extensions, [oid](const Extension& one) { return one.oid == oid; });
  };
}
auto with_critical(std::string_view oid, bool critical) {
  return [oid, critical](CertificateContent& content) {
    std::ranges::find(content.extensions, oid, &Extension::oid)->critical = critical;
  };
}
auto added(Extension extension) {
  return [extension](CertificateContent& content) { content.extensions.push_back(extension); };
}
Extension dns(const char* name) { return subject_alt_name({{GeneralName::Type::dns, name}}); }
Extension critical_unknown() {
  Extension extension = utf8_extension("1.2.3.4", "x");
  extension.critical = true;
  return extension;
}

INSTANTIATE_TEST_SUITE_P(
    Lint, Lints,
    ::testing::Values(
        Broken{"RFC 5280 4.1.2.2: the serial is not positive",
               [](auto& content) { content.serial = {}; }},
        Broken{"RFC 5280 4.1.2.2: the serial is over 20 octets",
               [](auto& content) { content.serial = Bytes(20, 0xFF); }},
        Broken{"RFC 5280 4.1.2.2: the serial is under 64 bits",
               [](auto& content) { content.serial = Bytes(7, 0xFF); }},
        Broken{"RFC 5280 4.1.2.4: the issuer is not the CA's name byte for byte",
               [](auto& content) { content.issuer = common_name_only("test ca"); }},
        Broken{"RFC 5280 4.1.2.6: the subject is empty",
               [](auto& content) { content.subject = name_of({}); }},
        Broken{"RFC 5280 4.1.2.6: the subject has no CN",
               [](auto& content) {
                 content.subject = name_of({rdn("2.5.4.10", der::kUtf8String, "O")});
               }},
        Broken{"RFC 5280 4.1.2.6: the subject has several CNs",
               [](auto& content) {
                 const Bytes cn = rdn("2.5.4.3", der::kUtf8String, "host.example.com");
                 content.subject = name_of({cn, cn});
               }},
        Broken{"RFC 5280 4.1.2.6: the CN is not a UTF8String",
               [](auto& content) {
                 content.subject =
                     name_of({rdn("2.5.4.3", der::kPrintableString, "host.example.com")});
               }},
        Broken{"RFC 5280 4.1.2.6: the CN is not the certname",
               [](auto& content) { content.subject = common_name_only("other.example.com"); }},
        Broken{"RFC 5280 4.1.2.5: notBefore is not before notAfter",
               [](auto& content) { content.not_after = content.not_before; }},
        Broken{"RFC 5280 4.2: the extension 1.3.6.1.4.1.34380.1.1.13 is there twice",
               added(utf8_extension("1.3.6.1.4.1.34380.1.1.13", "x"))},
        Broken{"RFC 5280 4.2: the extension 1.2.3.4 is critical and no verifier knows it",
               added(critical_unknown())},
        Broken{"RFC 5280 4.2.1.2: subjectKeyIdentifier is missing",
               without(oid::kSubjectKeyIdentifier)},
        Broken{"RFC 5280 4.2.1.2: subjectKeyIdentifier is critical",
               with_critical(oid::kSubjectKeyIdentifier, true)},
        Broken{"RFC 5280 4.2.1.1: authorityKeyIdentifier is missing",
               without(oid::kAuthorityKeyIdentifier)},
        Broken{"RFC 5280 4.2.1.1: authorityKeyIdentifier is critical",
               with_critical(oid::kAuthorityKeyIdentifier, true)},
        Broken{"RFC 5280 4.2.1.1: authorityKeyIdentifier is not the issuer's key",
               replaced(oid::kAuthorityKeyIdentifier, authority_key_identifier(Bytes(20, 1)))},
        Broken{"RFC 5280 4.2.1.9: basicConstraints is missing", without(oid::kBasicConstraints)},
        Broken{"RFC 5280 4.2.1.9: basicConstraints is not critical",
               with_critical(oid::kBasicConstraints, false)},
        Broken{"RFC 5280 4.2.1.9: basicConstraints says that a leaf is a CA",
               replaced(oid::kBasicConstraints, basic_constraints(true))},
        Broken{"RFC 5280 4.2.1.9: a leaf has a path length",
               replaced(oid::kBasicConstraints, basic_constraints(false, 0))},
        Broken{"RFC 5280 4.2.1.3: keyUsage is missing", without(oid::kKeyUsage)},
        Broken{"RFC 5280 4.2.1.3: keyUsage is not critical", with_critical(oid::kKeyUsage, false)},
        Broken{"RFC 5280 4.2.1.3: keyUsage of a leaf has keyCertSign",
               replaced(oid::kKeyUsage, key_usage(kKeyCertSign))},
        Broken{"RFC 5280 4.2.1.3: keyUsage of a leaf has cRLSign",
               replaced(oid::kKeyUsage, key_usage(kCrlSign | kDigitalSignature))},
        Broken{"RFC 5280 4.2.1.3: keyUsage allows nothing", replaced(oid::kKeyUsage, key_usage(0))},
        Broken{"RFC 5280 4.2.1.12: extKeyUsage is missing", without(oid::kExtendedKeyUsage)},
        Broken{"RFC 5280 4.2.1.12: extKeyUsage is empty",
               replaced(oid::kExtendedKeyUsage, extended_key_usage({}, false))},
        Broken{"RFC 5280 4.2.1.12: extKeyUsage has anyExtendedKeyUsage",
               replaced(oid::kExtendedKeyUsage, extended_key_usage({"2.5.29.37.0"}, false))},
        Broken{"RFC 5280 4.2.1.6: subjectAltName is missing", without(oid::kSubjectAltName)},
        Broken{"RFC 5280 4.2.1.6: subjectAltName is empty",
               replaced(oid::kSubjectAltName, subject_alt_name({}))},
        Broken{"RFC 5280 4.2.1.6: subjectAltName has a DNS name that is none",
               replaced(oid::kSubjectAltName, dns("a..b"))},
        Broken{"RFC 5280 4.2.1.6: subjectAltName has a DNS name that is none",
               replaced(oid::kSubjectAltName, dns("-a.b"))},
        Broken{"privileged extension: pp_cli_auth is there without having been granted",
               added(utf8_extension("1.3.6.1.4.1.34380.1.3.39", "true"))}));

TEST(Lint, ACertnameMayBeWiderThanADnsName) {
  for (const std::string& name :
       {std::string("rootca."), std::string("a.-b"), std::string(64, 'a')}) {
    CertificateContent content = leaf_content();
    content.subject = common_name_only(name);
    replaced(oid::kSubjectAltName, dns(name.c_str()))(content);
    LintExpectation same = expected();
    same.common_name = name;
    EXPECT_EQ(lint(issue(content), same), std::vector<std::string>{});
    replaced(oid::kSubjectAltName, dns("-a.b"))(content);
    EXPECT_EQ(lint(issue(content), same).size(), 1U) << "another name must still be one";
  }
}

TEST(Lint, APrivilegedLeafMayHavePpCliAuth) {
  CertificateContent content = leaf_content();
  content.extensions.push_back(utf8_extension("1.3.6.1.4.1.34380.1.3.39", "true"));
  LintExpectation privileged = expected();
  privileged.privileged = true;
  EXPECT_EQ(lint(issue(content), privileged), std::vector<std::string>{});
}

TEST(Lint, FindsAnotherVersion) {
  const auto found = lint(issue_with("\xA0\x03\x02\x01\x02", "\xA0\x03\x02\x01\x05"), expected());
  EXPECT_EQ(found, std::vector<std::string>{"RFC 5280 4.1.2.1: the version is not v3"});
}

TEST(Lint, FindsANegativeSerial) {
  const auto found = lint(issue_with("\x02\x10\x7A", "\x02\x10\x9A"), expected());
  EXPECT_EQ(found, std::vector<std::string>{"RFC 5280 4.1.2.2: the serial is negative"});
}

TEST(Lint, FindsTwoSignatureAlgorithms) {
  const Bytes tbs = encode_tbs(leaf_content(), ec_key().signature_algorithm());
  const Bytes other = from_hex("300A06082A8648CE3D040303").value();
  const auto found = lint(assemble_signed(tbs, other, ec_key().sign(tbs).value()), expected());
  EXPECT_EQ(found, std::vector<std::string>{
                       "RFC 5280 4.1.1.2: the inner and outer signature algorithms differ"});
}

TEST(Lint, FindsAGeneralizedTimeBefore2050) {
  const auto found = lint(issue_with("20510101000000Z", "20490101000000Z"), expected());
  EXPECT_EQ(found, std::vector<std::string>{"RFC 5280 4.1.2.5: a time is not UTCTime before 2050 "
                                            "and GeneralizedTime from then on"});
}

TEST(Lint, FindsBerThatOpensslReads) {
  // The outer length in one octet more than it needs.
  const Bytes good = issue(leaf_content());
  ASSERT_EQ(good[1], 0x82);
  Bytes ber = {0x30, 0x83, 0x00};
  ber.insert(ber.end(), good.begin() + 2, good.end());
  const auto found = lint(ber, expected());
  EXPECT_EQ(
      found,
      std::vector<std::string>{
          "RFC 5280 4.1: not DER: The certificate has a length that is not in its shortest form."});
}

TEST(Lint, FindsThatItIsNoCertificate) {
  Bytes trailing = issue(leaf_content());
  trailing.push_back(0);
  EXPECT_EQ(lint(trailing, expected()).size(), 1U);
  EXPECT_EQ(lint({}, expected()).size(), 1U);
}

}  // namespace
}  // namespace countersign::x509
