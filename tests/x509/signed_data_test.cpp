#include "x509/signed_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/x509/signed_data_maker.h"

namespace countersign::x509 {
namespace {

using testing::at;
using ::testing::HasSubstr;
using testing::Party;
using testing::party;
using testing::sign_data;
using testing::SignedShape;

constexpr std::string_view kContent = R"({"instanceId":"i-1"})";
constexpr const char* kHost = "metadata.azure.com";

const Party& amazon() {
  static const Party made = party("Amazon Web Services LLC");
  return made;
}

SignedDataVerifier trusting(const std::string& pem) {
  return SignedDataVerifier::parse_pem(pem).value();
}

std::string why(const Result<Bytes>& result) {
  return result.has_value() ? "accepted" : result.error().detail;
}

TEST(SignedDataBySigner, GivesTheContentThatAConfiguredCertificateSigned) {
  const auto verifier = trusting(amazon().pem());
  const auto content = verifier.content_by_signer(sign_data(kContent, amazon()));
  ASSERT_TRUE(content) << why(content);
  EXPECT_EQ(as_text(*content), kContent);
  const SignedShape bare{.flags = CMS_BINARY | CMS_NOATTR | CMS_NOCERTS};
  EXPECT_TRUE(verifier.content_by_signer(sign_data(kContent, amazon(), bare)))
      << "without signed attributes and without its certificate";
  const Party ec = party("EC", nullptr, false, "", 0);
  EXPECT_TRUE(trusting(ec.pem()).content_by_signer(sign_data(kContent, ec)));
}

TEST(SignedDataBySigner, OfSeveralRegionsWithOneIssuerAndSerialFindsTheOneThatSigned) {
  const Party other = party("Amazon Web Services LLC");
  const auto verifier = trusting(other.pem() + amazon().pem());
  EXPECT_TRUE(verifier.content_by_signer(sign_data(kContent, amazon())));
  EXPECT_TRUE(verifier.content_by_signer(sign_data(kContent, other)));
}

TEST(SignedDataBySigner, RefusesEachTrick) {
  const Party stranger = party("Stranger");
  const Party namesake = party("Amazon Web Services LLC");
  const Party weak = party("Weak", nullptr, false, "", 1024);
  SignedShape detached{.flags = CMS_BINARY | CMS_DETACHED};
  SignedShape two;
  two.more_signers = {&stranger};
  SignedShape sha1;
  sha1.digest = ::EVP_sha1();
  SignedShape token_info;
  token_info.content_type = NID_id_smime_ct_TSTInfo;
  Bytes changed = sign_data(kContent, amazon());
  const auto place = std::ranges::search(changed, as_bytes("i-1")).begin();
  ASSERT_NE(place, changed.end());
  place[2] = '2';
  Bytes longer = sign_data(kContent, amazon());
  longer.push_back(0);
  const struct {
    const char* what;
    Bytes der;
    const char* reason;
  } cases[] = {
      {"another signer", sign_data(kContent, stranger), "none of the configured"},
      {"one who only has the name", sign_data(kContent, namesake), "not by this signer"},
      {"changed content", changed, "not by this signer"},
      {"content elsewhere", sign_data(kContent, amazon(), detached), "content is not in it"},
      {"a second signer", sign_data(kContent, amazon(), two), "exactly one signer"},
      {"SHA-1", sign_data(kContent, amazon(), sha1), "SHA-256 or better"},
      {"a weak key", sign_data(kContent, weak), "too weak"},
      {"content of another kind", sign_data(kContent, amazon(), token_info), "not plain data"},
      {"a byte more", longer, "no SignedData"},
      {"no DER", to_bytes(as_bytes("{}")), "no SignedData"},
      {"nothing", {}, "no SignedData"},
      {"too long", Bytes(SignedDataVerifier::kMaxBytes + 1), "over 64 KiB"},
  };
  const auto verifier = trusting(amazon().pem() + weak.pem());
  for (const auto& [what, der, reason] : cases) {
    EXPECT_THAT(why(verifier.content_by_signer(der)), HasSubstr(reason)) << what;
  }
}

class SignedDataByChain : public ::testing::Test {
 protected:
  const Party root_ = party("Root", nullptr, true);
  const Party middle_ = party("Intermediate", &root_, true);
  const Party leaf_ = party("leaf", &middle_, false, "eastus.metadata.azure.com");
  const SignedDataVerifier verifier_ = trusting(root_.pem());
  SignedShape with_middle() const {
    SignedShape shape;
    shape.more_certificates = {&middle_};
    return shape;
  }
  std::string outcome(ByteView der, const char* when = "2026-01-01T00:00:00Z") const {
    return why(verifier_.content_by_chain(der, kHost, at(when)));
  }
};

TEST_F(SignedDataByChain, GivesTheContentThatACertificateForTheHostSigned) {
  EXPECT_EQ(outcome(sign_data(kContent, leaf_, with_middle())), "accepted");
  const Party exact = party("exact", &root_, false, kHost);
  EXPECT_EQ(outcome(sign_data(kContent, exact)), "accepted");
  EXPECT_TRUE(trusting(middle_.pem())
                  .content_by_chain(sign_data(kContent, leaf_), kHost, at("2026-01-01T00:00:00Z")))
      << "an intermediate can be pinned";
}

TEST_F(SignedDataByChain, RefusesEachTrick) {
  const Party other_host = party("other", &middle_, false, "metadata.azure.com.evil.example");
  const Party beside = party("beside", &middle_, false, "xmetadata.azure.com");
  const Party self_made = party("self", nullptr, false, "eastus.metadata.azure.com");
  const Party under_leaf = party("deep", &leaf_, false, "eastus.metadata.azure.com");
  SignedShape chain = with_middle();
  chain.more_certificates.push_back(&leaf_);
  SignedShape bare = with_middle();
  bare.flags |= CMS_NOCERTS;
  const struct {
    const char* what;
    Bytes der;
    const char* reason;
  } cases[] = {
      {"no intermediate", sign_data(kContent, leaf_), "not trusted"},
      {"another host", sign_data(kContent, other_host, with_middle()), "not for"},
      {"a host that ends alike", sign_data(kContent, beside, with_middle()), "not for"},
      {"signed by itself", sign_data(kContent, self_made, with_middle()), "not trusted"},
      {"under a leaf", sign_data(kContent, under_leaf, chain), "not trusted"},
      {"no certificate", sign_data(kContent, leaf_, bare), "not in it"},
  };
  for (const auto& [what, der, reason] : cases) {
    EXPECT_THAT(outcome(der), HasSubstr(reason)) << what;
  }
  const Bytes good = sign_data(kContent, leaf_, with_middle());
  EXPECT_THAT(outcome(good, "2046-01-01T00:00:00Z"), HasSubstr("not trusted")) << "expired";
  EXPECT_THAT(outcome(good, "2019-01-01T00:00:00Z"), HasSubstr("not trusted")) << "not yet valid";
}

TEST(SignedDataCertificates, AreReadStrictly) {
  const std::string good = amazon().pem();
  for (const auto& [text, reason] : {std::pair<std::string, const char*>{"", "no certificate"},
                                     {"text", "no certificate"},
                                     {good.substr(0, 200), "not complete"},
                                     {"-----BEGIN CERTIFICATE-----\nMAA=\n-----END "
                                      "CERTIFICATE-----\n",
                                      "no certificate that can be read"}}) {
    const auto parsed = SignedDataVerifier::parse_pem(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().detail, HasSubstr(reason));
  }
}

}  // namespace
}  // namespace countersign::x509
