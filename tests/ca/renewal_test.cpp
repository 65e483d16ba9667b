#include <algorithm>

#include "policy/facts.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;
using x509::RevocationReason;

constexpr const char* kName = "web-1.example.com";

class Renewal : public AuthorityTest {
 protected:
  using Held = std::shared_ptr<const x509::Certificate>;

  Renewal() {
    config.puppet.allow_auto_renewal = true;
    config.puppet.auto_renewal_cert_ttl = hours(24 * 60);
  }
  Held enrolled(const Asked& asked = {}) {
    const auto outcome = submit(csr(kName, asked));
    EXPECT_TRUE(outcome) << outcome.error().detail;
    return certificate_of(*outcome);
  }
  Result<Held> renew(const Held& held, Role role = Role::agent) {
    const auto row = run(authority->renew(held, caller_of(role)));
    if (row.has_error()) return row.error();
    return x509::Certificate::parse(row->der).value();
  }
  std::optional<Code> refusal(const Held& held, Role role = Role::agent) {
    const auto renewed = renew(held, role);
    return renewed ? std::nullopt : std::optional(renewed.error().code);
  }
  std::size_t revoke_name() {
    return run(authority->revoke_name(kName, RevocationReason::key_compromise, op)).value();
  }
  // A leaf of our issuer that it would not make itself today, stored as an import would.
  Held imported(x509::CertificateContent content) {
    const auto& issuing = *TestCa::get().chain.front();
    content.issuer = issuing.subject();
    content.subject = x509::common_name_only(kName);
    content.spki = to_bytes(machine_key().public_key().spki());
    content.extensions.push_back(x509::authority_key_identifier(issuing.subject_key_id()));
    const auto held =
        x509::Certificate::parse(x509::testing::issue(content, TestCa::get().issuing_key()))
            .value();
    store::CertificateRecord row{.issuer = to_hex(issuing.subject_key_id()),
                                 .serial = held->serial(),
                                 .certname = kName,
                                 .der = to_bytes(held->der()),
                                 .not_before = held->not_before(),
                                 .not_after = held->not_after()};
    EXPECT_TRUE(
        store.under->apply(std::vector<store::WriteBatch>{{store::InsertCertificate{row}}})[0]);
    return held;
  }
};

TEST_F(Renewal, TheNewCertificateHasTheOldOnesNameKeyAndExtensionsAndAnAgeOfItsOwn) {
  config.profiles["agent"].ocsp = {"http://ca.example.com/ocsp"};
  start(kWebPolicy);
  const Held old =
      enrolled({.names = {dns(kName), dns("www.example.com")},
                .extensions = {x509::utf8_extension("1.3.6.1.4.1.34380.1.1.13", "db")}});
  clock.advance(hours(24 * 30));
  const auto renewed = renew(old);
  ASSERT_TRUE(renewed) << renewed.error().detail << renewed.error().cause;
  const x509::Certificate& made = **renewed;
  EXPECT_NE(made.serial(), old->serial());
  EXPECT_EQ(made.subject(), old->subject());
  EXPECT_TRUE(std::ranges::equal(made.public_key().spki(), old->public_key().spki()));
  EXPECT_EQ(made.extensions(), old->extensions());
  EXPECT_EQ(made.not_before(), clock.now() - config.profiles["agent"].backdate);
  EXPECT_EQ(made.not_after(), clock.now() + hours(24 * 60));
  EXPECT_TRUE(made.signed_by(TestCa::get().chain.front()->public_key()));
}

TEST_F(Renewal, TheNameStandsForTheNewOneAndTheOldOneStaysValidUntilTheNameIsRevoked) {
  start(kWebPolicy);
  const Held old = enrolled();
  const Held renewed = *renew(old);
  const auto current = store.current_certificate(kName).value();
  EXPECT_EQ(current->serial, renewed->serial());
  EXPECT_EQ(current->rule, "renewal");
  EXPECT_EQ(current->profile, "agent");
  EXPECT_TRUE(authority->trusted(*old));
  EXPECT_TRUE(authority->trusted(*renewed));
  EXPECT_EQ(actions(kName), (std::vector<std::string>{"renew", "issue"}));
  EXPECT_EQ(revoke_name(), 2U);
  EXPECT_FALSE(authority->trusted(*old));
  EXPECT_FALSE(authority->trusted(*renewed));
}

TEST_F(Renewal, AnAgentThatLostTheAnswerAsksAgainWithItsOldCertificate) {
  start(kWebPolicy);
  const Held old = enrolled();
  ASSERT_TRUE(renew(old));
  const auto again = renew(old);
  ASSERT_TRUE(again);
  EXPECT_EQ(store.current_certificate(kName).value()->serial, (*again)->serial());
  EXPECT_EQ(revoke_name(), 2U) << "the same answer again";
}

TEST_F(Renewal, ItIsMadeAnewOnlyWhenHalfOfItsLifeIsOver) {
  start(kWebPolicy);
  Held held = enrolled();
  const Held first = *renew(held);
  clock.advance(hours(24 * 30 - 1));
  EXPECT_EQ((*renew(first))->serial(), first->serial());
  EXPECT_EQ((*renew(held))->serial(), first->serial());
  EXPECT_EQ(actions(kName), (std::vector<std::string>{"renew", "issue"})) << "nothing is stored";
  clock.advance(hours(1));
  EXPECT_NE((*renew(first))->serial(), first->serial());
}

TEST_F(Renewal, NamesAndRolesThatWereTakenAwaySinceDoNotComeBack) {
  start(kWebPolicy);
  constexpr const char* kRole = "1.3.6.1.4.1.34380.1.1.13";
  const Held old = enrolled({.names = {dns(kName), dns("www.example.com")},
                             .extensions = {x509::utf8_extension(kRole, "db")}});
  ASSERT_NE(old->find(kRole), nullptr);
  Authority::Clean only_free;
  only_free.revoke = false;
  ASSERT_TRUE(run(authority->clean(kName, only_free, op)));
  const Held plain = enrolled();
  const auto renewed = renew(old);
  ASSERT_TRUE(renewed) << renewed.error().detail;
  EXPECT_NE((*renewed)->serial(), old->serial());
  EXPECT_EQ((*renewed)->find(kRole), nullptr);
  EXPECT_EQ((*renewed)->subject_alt_names(), plain->subject_alt_names());
}

TEST_F(Renewal, WhoMayNotOrCanNotAnyMoreIsRefused) {
  start(kWebPolicy);
  const Held old = enrolled();
  EXPECT_EQ(refusal(old, Role::anonymous), Code::unauthenticated);
  EXPECT_EQ(refusal(TestCa::get().chain.back()), Code::forbidden) << "made by the root";
  const auto stranger =
      x509::Certificate::parse(x509::testing::issue(x509::testing::leaf_content())).value();
  EXPECT_EQ(refusal(stranger), Code::forbidden) << "of another CA";
  clock.advance(hours(24 * 365 * 6));
  EXPECT_EQ(refusal(old), Code::denied) << "expired";
}

TEST_F(Renewal, ARevokedCertificateAndOneWhoseNameIsRevokedAreNotRenewed) {
  start(kWebPolicy);
  const Held old = enrolled();
  const Held renewed = *renew(old);
  ASSERT_TRUE(run(authority->revoke(renewed->serial(), RevocationReason::superseded, op)));
  EXPECT_EQ(refusal(renewed), Code::denied);
  EXPECT_EQ(refusal(old), Code::denied) << "the name's current certificate is revoked";
}

TEST_F(Renewal, ANameThatWasFreedOrGivenToAnotherKeyIsNotTakenBack) {
  config.puppet.allow_duplicate_certs = true;
  start(kWebPolicy);
  const Held old = enrolled();
  Authority::Clean only_free;
  only_free.revoke = false;
  ASSERT_TRUE(run(authority->clean(kName, only_free, op)));
  EXPECT_EQ(refusal(old), Code::denied);
  const auto other = submit(csr(kName, {.key = 1}), true);
  ASSERT_TRUE(other);
  EXPECT_EQ(refusal(old), Code::denied);
  EXPECT_EQ(store.current_certificate(kName).value()->serial, other->request.serial);
}

TEST_F(Renewal, SwitchedOffItIsRefused) {
  config.puppet.allow_auto_renewal = false;
  start(kWebPolicy);
  EXPECT_EQ(refusal(enrolled()), Code::not_granted);
}

TEST_F(Renewal, TheOperatorMarkIsKept) {
  start(kWebPolicy);
  auto content = x509::testing::leaf_content();
  content.extensions.pop_back();
  content.extensions.erase(content.extensions.begin() + 4);  // the key id of another CA
  content.extensions.push_back(x509::utf8_extension(policy::kCliAuthOid, "true"));
  const auto renewed = renew(imported(content));
  ASSERT_TRUE(renewed) << renewed.error().cause;
  EXPECT_NE((*renewed)->find(policy::kCliAuthOid), nullptr);
}

TEST_F(Renewal, WhatACertificateOfAnOldCaLacksComesFromTheProfile) {
  start(kWebPolicy);
  auto content = x509::testing::leaf_content();
  content.extensions = {x509::netscape_comment("Puppet Ruby/OpenSSL Internal Certificate")};
  const auto renewed = renew(imported(content));
  ASSERT_TRUE(renewed) << renewed.error().cause;
  EXPECT_EQ((*renewed)->subject_alt_names(), (std::vector<x509::GeneralName>{dns(kName)}));
  for (const auto oid :
       {x509::oid::kBasicConstraints, x509::oid::kKeyUsage, x509::oid::kExtendedKeyUsage,
        x509::oid::kSubjectKeyIdentifier, x509::oid::kNetscapeComment}) {
    EXPECT_NE((*renewed)->find(oid), nullptr) << oid;
  }
}

TEST_F(Renewal, AtOnceEachGetsACertificateAndARevocationOrCleanOfTheNameTakesThemAll) {
  config.puppet.allow_duplicate_certs = true;
  start(kWebPolicy);
  for (const bool clean : {false, true}) {
    const auto first = submit(csr(kName), true);
    ASSERT_TRUE(first);
    const Held old = certificate_of(*first);
    std::optional<Code> failed;
    boost::asio::io_context io;
    const auto done = [](std::exception_ptr thrown, const auto&) {
      if (thrown) std::rethrow_exception(thrown);
    };
    for (int i = 0; i < 3; ++i) {
      boost::asio::co_spawn(io, authority->renew(old, caller_of(Role::agent)), done);
    }
    const auto outcome = [&](std::exception_ptr, const auto& result) {
      if (result.has_error()) failed = result.error().code;
    };
    if (clean) {
      boost::asio::co_spawn(io, authority->clean(kName, {}, op), outcome);
    } else {
      boost::asio::co_spawn(io, authority->revoke_name(kName, RevocationReason::key_compromise, op),
                            outcome);
    }
    io.run();
    EXPECT_EQ(failed, std::nullopt);
    for (const auto& row : store.certificates_of(kName).value()) EXPECT_TRUE(row.revocation);
  }
}

TEST_F(Renewal, AMachineThatSaysThatItRenewsGetsTheShortLifetime) {
  config.puppet.ca_ttl = hours(24 * 365);
  start(kWebPolicy);
  EXPECT_EQ(enrolled({.renews = true})->not_after(), clock.now() + hours(24 * 60));
  const auto lifetime_of = [this](const std::string& name, bool renews, const Approval& approval) {
    const auto waiting = submit(csr(name, {.renews = renews}));
    const auto outcome = approve(waiting->request.id, approval);
    return outcome->certificate->not_after - clock.now();
  };
  EXPECT_EQ(lifetime_of("db-1", true, {}), hours(24 * 60));
  EXPECT_EQ(lifetime_of("db-2", false, {}), hours(24 * 365));
  EXPECT_EQ(lifetime_of("db-3", true, {.validity = hours(1)}), hours(1)) << "an operator's word";
  EXPECT_EQ(lifetime_of("db-4", true, {.puppet = true, .validity = hours(1)}), hours(24 * 60))
      << "Puppet's rule";
  EXPECT_EQ(lifetime_of("db-5", false, {.puppet = true, .validity = hours(1)}), hours(1));
}

TEST_F(Renewal, SwitchedOffTheMarkOfACsrMeansNothing) {
  config.puppet.allow_auto_renewal = false;
  start(kWebPolicy);
  EXPECT_EQ(enrolled({.renews = true})->not_after(),
            clock.now() + config.profiles["agent"].validity);
}

}  // namespace
}  // namespace countersign::ca
