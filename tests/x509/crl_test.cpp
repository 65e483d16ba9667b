#include "x509/crl.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits>

#include "tests/x509/maker.h"

namespace countersign::x509 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

Bytes make_crl(const std::vector<CrlEntry>& entries) {
  const CrlContent content{.issuer = common_name_only("Test CA"),
                           .authority_key_id = ec_key().public_key().key_id(),
                           .number = 300,
                           .this_update = at("2026-01-01T00:00:00Z"),
                           .next_update = at("2050-02-01T00:00:00Z"),
                           .entries = entries};
  const Bytes tbs = encode_tbs_crl(content, ec_key().signature_algorithm());
  return assemble_signed(tbs, ec_key().signature_algorithm(), ec_key().sign(tbs).value());
}

TEST(Crl, SaysWhatWasPutIn) {
  const std::vector<CrlEntry> entries = {
      {Bytes{0x80, 1}, at("2025-01-01T00:00:00Z"), RevocationReason::key_compromise},
      {Bytes{5}, at("2025-01-02T00:00:00Z"), RevocationReason::unspecified}};
  const auto parsed = Crl::parse(make_crl(entries));
  ASSERT_TRUE(parsed) << parsed.error().detail;
  const Crl& crl = **parsed;
  EXPECT_EQ(crl.number(), 300U);
  EXPECT_EQ(crl.issuer(), common_name_only("Test CA"));
  EXPECT_EQ(crl.this_update(), Timestamp(at("2026-01-01T00:00:00Z")));
  EXPECT_EQ(crl.next_update(), Timestamp(at("2050-02-01T00:00:00Z")));
  EXPECT_TRUE(crl.signed_by(ec_key().public_key()));
  EXPECT_FALSE(crl.signed_by(other_key().public_key()));
  ASSERT_EQ(crl.entries().size(), 2U);
  EXPECT_EQ(crl.entries()[0].serial, (Bytes{0x80, 1}));
  EXPECT_EQ(crl.entries()[0].reason, RevocationReason::key_compromise);
  EXPECT_EQ(crl.entries()[1].revoked_at, Timestamp(at("2025-01-02T00:00:00Z")));
  EXPECT_TRUE(crl.pem().starts_with("-----BEGIN X509 CRL-----\n"));
}

TEST(Crl, OpensslVerifiesItAndFindsEachSerial) {
  std::vector<CrlEntry> entries;
  for (std::uint8_t i = 0; i < 200; ++i) {
    entries.push_back({Bytes{0xAA, i, 1}, at("2025-01-01T00:00:00Z"),
                       i % 2 == 0 ? RevocationReason::superseded : RevocationReason::unspecified});
  }
  const Bytes der = make_crl(entries);
  const std::uint8_t* data = der.data();
  ::X509_CRL* crl = ::d2i_X509_CRL(nullptr, &data, static_cast<long>(der.size()));
  ASSERT_NE(crl, nullptr);
  const std::uint8_t* spki = ec_key().public_key().spki().data();
  ::EVP_PKEY* key =
      ::d2i_PUBKEY(nullptr, &spki, static_cast<long>(ec_key().public_key().spki().size()));
  EXPECT_EQ(::X509_CRL_verify(crl, key), 1);
  for (const CrlEntry& entry : entries) {
    ::BIGNUM* number =
        ::BN_bin2bn(entry.serial.data(), static_cast<int>(entry.serial.size()), nullptr);
    ::ASN1_INTEGER* serial = ::BN_to_ASN1_INTEGER(number, nullptr);
    ::X509_REVOKED* revoked = nullptr;
    EXPECT_EQ(::X509_CRL_get0_by_serial(crl, &revoked, serial), 1);
    auto* reason = static_cast<::ASN1_ENUMERATED*>(
        ::X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, nullptr, nullptr));
    EXPECT_EQ(reason != nullptr, entry.reason == RevocationReason::superseded);
    if (reason != nullptr) {
      EXPECT_EQ(::ASN1_ENUMERATED_get(reason), 4);
    }
    ::ASN1_ENUMERATED_free(reason);
    ::ASN1_INTEGER_free(serial);
    ::BN_free(number);
  }
  ::EVP_PKEY_free(key);
  ::X509_CRL_free(crl);
}

TEST(Crl, ItsExtensionsAreRead) {
  const auto crl = Crl::parse(make_crl({})).value();
  EXPECT_EQ(crl->authority_key_id(), ec_key().public_key().key_id());
  EXPECT_EQ(crl->number_octets(), (Bytes{1, 44}));
  EXPECT_EQ(crl->extensions().size(), 2U);
  ASSERT_NE(crl->find(oid::kCrlNumber), nullptr);
  EXPECT_FALSE(crl->find(oid::kCrlNumber)->critical);
  EXPECT_EQ(crl->find(oid::kDeltaCrlIndicator), nullptr);
  EXPECT_FALSE(crl->has_critical_entry());
}

TEST(Crl, ANumberOfAnotherCaMayHaveTwentyOctetsAndNoMore) {
  const auto numbered = [](const Bytes& number) {
    const Bytes tbs = written([&](der::Writer& w) {
      w.nest(der::kSequence, [&] {
        w.unsigned_integer(std::uint64_t{1});
        w.raw(ec_key().signature_algorithm());
        w.raw(common_name_only("Test CA"));
        w.time(at("2026-01-01T00:00:00Z"));
        w.time(at("2027-01-01T00:00:00Z"));
        w.nest(der::context_constructed(0), [&] {
          write_extensions(
              w, {{.oid = std::string(oid::kCrlNumber),
                   .critical = false,
                   .value = written([&](der::Writer& value) { value.unsigned_integer(number); })}});
        });
      });
    });
    return Crl::parse(assemble_signed(tbs, ec_key().signature_algorithm(), Bytes{1}));
  };
  const Bytes longest(20, 0xFF);
  EXPECT_EQ(numbered(longest).value()->number_octets(), longest);
  EXPECT_EQ(numbered(longest).value()->number(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(numbered(Bytes(8, 0x7F)).value()->number(), 0x7F7F7F7F7F7F7F7FU);
  EXPECT_TRUE(numbered(longest).value()->authority_key_id().empty());
  EXPECT_EQ(numbered(Bytes(21, 0x7F)).error().code, Code::malformed);
}

TEST(Crl, AnEmptyListIsLeftOut) {
  const auto crl = Crl::parse(make_crl({}));
  ASSERT_TRUE(crl) << crl.error().detail;
  EXPECT_TRUE((*crl)->entries().empty());
}

TEST(Crl, BadOnesAreMalformed) {
  Bytes trailing = make_crl({});
  trailing.push_back(0);
  for (const Bytes& der : {Bytes{}, trailing, issue(leaf_content())}) {
    const auto crl = Crl::parse(der);
    ASSERT_FALSE(crl);
    EXPECT_EQ(crl.error().code, Code::malformed);
  }
}

TEST(RevocationReason, IsReadInEverySpelling) {
  EXPECT_EQ(parse_revocation_reason("keyCompromise"), RevocationReason::key_compromise);
  EXPECT_EQ(parse_revocation_reason("KEY_COMPROMISE"), RevocationReason::key_compromise);
  EXPECT_EQ(parse_revocation_reason("cessation-of-operation"),
            RevocationReason::cessation_of_operation);
  EXPECT_EQ(parse_revocation_reason("removeFromCRL"), std::nullopt);
  EXPECT_EQ(parse_revocation_reason("certificateHold"), std::nullopt);
  EXPECT_EQ(parse_revocation_reason("because"), std::nullopt);
  EXPECT_EQ(to_string(RevocationReason::aa_compromise), "aACompromise");
}

}  // namespace
}  // namespace countersign::x509
