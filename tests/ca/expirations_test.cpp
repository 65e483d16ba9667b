#include "ca/expirations.h"

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using testing::TestCa;

class ExpirationsOfCas : public testing::AuthorityTest {
 protected:
  using Text = std::shared_ptr<const std::string>;

  Text crl_until(const char* next_update) {
    const auto der = issuer()->sign_crl(1, x509::testing::at("2026-06-01T12:00:00Z"),
                                        x509::testing::at(next_update), {});
    return std::make_shared<const std::string>(x509::pem_encode(x509::kPemCrl, der.value()));
  }

  ExpirationsReader reader;
};

TEST_F(ExpirationsOfCas, AreThoseOfTheChainAndOfTheCrlsThatAreServedNow) {
  const auto first = crl_until("2026-06-08T12:00:00Z");
  for (int i = 0; i < 2; ++i) {
    const auto found = reader.read(TestCa::get().chain, first).value();
    EXPECT_EQ(found.certificates.size(), 2U);
    EXPECT_EQ(found.certificates.at("Test Root CA"), x509::testing::at("2046-01-01T00:00:00Z"));
    ASSERT_EQ(found.crls.size(), 1U);
    EXPECT_EQ(found.crls.at("Test Issuing CA"), x509::testing::at("2026-06-08T12:00:00Z"));
  }
  const auto next = reader.read(TestCa::get().chain, crl_until("2026-06-09T12:00:00Z")).value();
  EXPECT_EQ(next.crls.at("Test Issuing CA"), x509::testing::at("2026-06-09T12:00:00Z"));
}

TEST_F(ExpirationsOfCas, OfATextThatCannotBeReadAreAnErrorEachTime) {
  const auto bad = std::make_shared<const std::string>("-----BEGIN X509 CRL-----\n");
  EXPECT_TRUE(reader.read(TestCa::get().chain, bad).has_error());
  EXPECT_TRUE(reader.read(TestCa::get().chain, bad).has_error());
}

TEST_F(ExpirationsOfCas, LeaveACrlOfAnotherCaOut) {
  const std::vector<std::shared_ptr<const x509::Certificate>> root = {TestCa::get().chain.back()};
  EXPECT_TRUE(reader.read(root, crl_until("2026-06-08T12:00:00Z")).value().crls.empty());
}

}  // namespace
}  // namespace countersign::ca
