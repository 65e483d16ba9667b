#include "x509/key.h"

#include <gtest/gtest.h>

#include "tests/x509/maker.h"

namespace countersign::x509 {
namespace {

using testing::ec_key;

class KeyKinds : public ::testing::TestWithParam<const char*> {};

TEST_P(KeyKinds, SignVerifyAndComeBackFromPem) {
  const KeySpec spec = parse_key_spec(GetParam()).value();
  EXPECT_EQ(to_string(spec), GetParam());
  const auto key = PrivateKey::generate(spec);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->public_key().spec(), spec);
  EXPECT_TRUE(check_key(key->public_key()));

  for (const char* passphrase : {"", "correct horse"}) {
    const auto again = PrivateKey::from_pem(key->to_pem(passphrase), passphrase);
    ASSERT_TRUE(again);
    const Bytes signature = again->sign(as_bytes("text")).value();
    EXPECT_TRUE(key->public_key().verify(key->signature_algorithm(), as_bytes("text"), signature));
    const auto wrong =
        key->public_key().verify(key->signature_algorithm(), as_bytes("other"), signature);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::bad_proof);
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, KeyKinds,
                         ::testing::Values("ec:P-256", "ec:P-384", "ec:P-521", "ed25519",
                                           "rsa:2048"));

TEST(Keys, AnUnknownSpecIsMalformed) {
  for (const char* text :
       {"", "rsa", "rsa:1024", "rsa:20480", "rsa:2049", "ec:P-224", "EC:P-256"}) {
    EXPECT_FALSE(parse_key_spec(text)) << text;
  }
}

TEST(Keys, AWrongPassphraseIsSaidToBeWrong) {
  const std::string pem = ec_key().to_pem("right");
  EXPECT_NE(pem.find("ENCRYPTED PRIVATE KEY"), std::string::npos);
  const auto wrong = PrivateKey::from_pem(pem, "wrong");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::bad_key);
  EXPECT_EQ(wrong.error().detail, "The passphrase does not open the private key.");
  const auto missing = PrivateKey::from_pem(pem, "");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().detail, "The private key is encrypted and no passphrase was given.");
  EXPECT_FALSE(PrivateKey::from_pem("hello", ""));
}

TEST(Keys, TheKeyIdIsTheSha1OfTheBits) {
  EXPECT_EQ(ec_key().public_key().key_id().size(), 20U);
  EXPECT_NE(ec_key().public_key().key_id(), testing::other_key().public_key().key_id());
}

TEST(Keys, RsaNumbersMustBeSound) {
  struct Case {
    std::size_t bits;
    std::uint64_t exponent;
    const char* detail;  // null: accepted
  };
  for (const Case& row :
       {Case{2048, 65537, nullptr}, Case{2048, 3, nullptr}, Case{8192, 65537, nullptr},
        Case{1024, 65537, "1024 bits"}, Case{2040, 65537, "2040 bits"},
        Case{8200, 65537, "8200 bits"}, Case{2048, 1, "exponent is 1"},
        Case{2048, 65536, "exponent is even"}, Case{2048, (1ULL << 33) + 1, "over 33 bits"}}) {
    const auto key = PublicKey::parse(testing::rsa_spki(row.bits, row.exponent));
    ASSERT_TRUE(key) << key.error().detail;
    const auto checked = check_key(*key);
    EXPECT_EQ(checked.has_value(), row.detail == nullptr) << row.bits << " " << row.exponent;
    if (!checked && row.detail != nullptr) {
      EXPECT_EQ(checked.error().code, Code::bad_key);
      EXPECT_NE(checked.error().detail.find(row.detail), std::string::npos)
          << checked.error().detail;
    }
  }
}

TEST(Keys, APointOffItsCurveIsRefused) {
  Bytes spki = to_bytes(ec_key().public_key().spki());
  spki.back() ^= 1;
  const auto key = PublicKey::parse(spki);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Code::bad_key);
  EXPECT_FALSE(key.error().cause.empty());
}

TEST(Keys, ACompressedPointIsTheSameKey) {
  // SEC 1 2.3.3: 02 or 03 for the parity of y, then x; the two lengths before it shrink by as much.
  Bytes spki = to_bytes(ec_key().public_key().spki());
  const std::size_t point = spki.size() - 65;
  spki[point] = static_cast<std::uint8_t>(2 + (spki.back() & 1));
  spki.resize(point + 33);
  spki[1] = static_cast<std::uint8_t>(spki[1] - 32);
  spki[point - 2] = static_cast<std::uint8_t>(spki[point - 2] - 32);
  const auto key = PublicKey::parse(spki);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_TRUE(key->verify(ec_key().signature_algorithm(), as_bytes("text"),
                          ec_key().sign(as_bytes("text")).value()));
}

TEST(Keys, BytesAfterTheKeyAreRefused) {
  Bytes spki = to_bytes(ec_key().public_key().spki());
  spki.push_back(0);
  EXPECT_FALSE(PublicKey::parse(spki));
}

TEST(Keys, AnAlgorithmOfAnotherKindOfKeyDoesNotVerify) {
  const Bytes rsa_algorithm = testing::written([](der::Writer& w) {
    w.nest(der::kSequence, [&] {
      w.object_identifier("1.2.840.113549.1.1.11");
      w.element(der::kNull, {});
    });
  });
  const auto verified =
      ec_key().public_key().verify(rsa_algorithm, as_bytes("x"), ec_key().sign({}).value());
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.error().detail.find("does not fit"), std::string::npos);
}

TEST(Keys, ASignerSignsWithItsKey) {
  const auto signer = make_signer(PrivateKey::generate({KeyAlgorithm::ed25519, 256}).value());
  const Bytes signature = signer->sign(as_bytes("x")).value();
  EXPECT_TRUE(signer->public_key().verify(signer->signature_algorithm(), as_bytes("x"), signature));
}

}  // namespace
}  // namespace countersign::x509
