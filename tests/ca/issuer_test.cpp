#include "ca/issuer.h"

#include <set>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class IssuerTest : public AuthorityTest {
 protected:
  std::unique_ptr<Issuer> ca = issuer();
  Profile profile;

  Result<std::shared_ptr<const x509::Certificate>> issue(const Grant& grant) {
    auto prepared = ca->prepare(profile, grant, machine_key().public_key());
    if (prepared.has_error()) return prepared.error();
    return ca->issue(std::move(*prepared));
  }
  static Grant grant_of(const std::string& name) {
    Grant grant;
    grant.certname = name;
    grant.names = {dns(name)};
    return grant;
  }
};

TEST_F(IssuerTest, EverythingInTheCertificateComesFromProfileNameAndGrant) {
  profile.crl_distribution_points = {"http://ca.example.com/crl"};
  profile.ocsp = {"http://ca.example.com/ocsp"};
  const auto made = issue(grant_of("web-1"));
  ASSERT_TRUE(made) << made.error().cause;
  const x509::Certificate& leaf = **made;
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.now());
  EXPECT_EQ(leaf.common_name(), "web-1");
  EXPECT_EQ(leaf.not_before(), now - profile.backdate);
  EXPECT_EQ(leaf.not_after(), now + profile.validity);
  EXPECT_EQ(leaf.issuer(), ca->certificate().subject());
  EXPECT_EQ(leaf.authority_key_id(), ca->certificate().subject_key_id());
  EXPECT_TRUE(leaf.signed_by(ca->certificate().public_key()));
  for (const auto oid : {x509::oid::kBasicConstraints, x509::oid::kKeyUsage,
                         x509::oid::kExtendedKeyUsage, x509::oid::kSubjectAltName,
                         x509::oid::kCrlDistributionPoints, x509::oid::kAuthorityInfoAccess}) {
    EXPECT_NE(leaf.find(oid), nullptr) << oid;
  }
  EXPECT_FALSE(leaf.is_ca());
}

TEST_F(IssuerTest, SerialsHold128RandomBitsBehindTheTime) {
  std::set<Bytes> seen;
  for (int i = 0; i < 200; ++i) {
    const Bytes serial = (*issue(grant_of("web-1")))->serial();
    EXPECT_EQ(serial.size(), 20U);
    EXPECT_EQ(serial[0] & 0xC0, 0x40) << "positive, and always as long";
    EXPECT_TRUE(seen.insert(Bytes(serial.begin() + 4, serial.end())).second);
  }
}

TEST_F(IssuerTest, TheSerialOfALaterMomentIsGreater) {
  Bytes before = (*issue(grant_of("web-1")))->serial();
  for (int i = 0; i < 100; ++i) {
    clock.advance(std::chrono::milliseconds(16));  // 1/64 s and a bit
    Bytes serial = (*issue(grant_of("web-1")))->serial();
    EXPECT_GT(serial, before);
    before = std::move(serial);
  }
}

TEST_F(IssuerTest, NothingOutlivesTheCa) {
  Grant grant = grant_of("web-1");
  grant.validity = std::chrono::days(50 * 365);
  EXPECT_EQ((*issue(grant))->not_after(), ca->certificate().not_after());
  clock.advance(std::chrono::days(20 * 365));
  EXPECT_EQ(issue(grant).error().code, Code::unavailable);
}

TEST_F(IssuerTest, NothingIsValidBeforeTheCa) {
  const Timestamp begin = ca->certificate().not_before();
  for (const auto age : {std::chrono::seconds(0), std::chrono::seconds(1), profile.backdate}) {
    clock.advance(begin + age - clock.now());
    EXPECT_EQ((*issue(grant_of("web-1")))->not_before(), begin) << age.count();
  }
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ((*issue(grant_of("web-1")))->not_before(), begin + std::chrono::seconds(1));
}

TEST_F(IssuerTest, TheLintRefusesWhatShouldNeverBeSigned) {
  const auto refused = [&](Grant grant) {
    const auto made = issue(grant);
    return made.has_error() && made.error().code == Code::internal && !made.error().cause.empty();
  };
  Grant marked = grant_of("web-1");
  marked.extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")};
  EXPECT_TRUE(refused(marked));
  marked.privileged = true;
  EXPECT_FALSE(refused(marked));
  Grant twice = grant_of("web-1");
  twice.extensions = {x509::basic_constraints(true)};
  EXPECT_TRUE(refused(twice));
  profile.key_usage |= x509::kKeyCertSign;
  EXPECT_TRUE(refused(grant_of("web-1")));
}

TEST_F(IssuerTest, ACriticalMarkOfTheRequestIsNotCopied) {
  Grant grant = grant_of("web-1");
  grant.extensions = {x509::utf8_extension("1.3.6.1.4.1.34380.1.1.13", "web")};
  grant.extensions[0].critical = true;
  EXPECT_FALSE((*issue(grant))->find("1.3.6.1.4.1.34380.1.1.13")->critical);
}

TEST_F(IssuerTest, AChainThatDoesNotFitIsRefused) {
  const auto& chain = TestCa::get().chain;
  const auto create = [&](std::vector<std::shared_ptr<const x509::Certificate>> certificates,
                          x509::PrivateKey key) {
    return Issuer::create(std::move(certificates), x509::make_signer(std::move(key)), clock,
                          system_random());
  };
  const auto other_key = [] {
    return x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
  };
  EXPECT_EQ(create({}, other_key()).error().code, Code::malformed);
  EXPECT_EQ(create(chain, other_key()).error().code, Code::bad_key);
  EXPECT_EQ(create({chain[0]}, TestCa::get().issuing_key()).error().code, Code::malformed);
  EXPECT_EQ(create({chain[1], chain[0]}, TestCa::get().issuing_key()).error().code, Code::bad_key);
  EXPECT_EQ(create({chain[0], chain[0]}, TestCa::get().issuing_key()).error().code,
            Code::malformed);
}

}  // namespace
}  // namespace countersign::ca
