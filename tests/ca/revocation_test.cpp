#include <algorithm>
#include <functional>

#include "tests/ca/crl_maker.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using x509::RevocationReason;

// In the year 14645.
constexpr Timestamp kNoTimeOfACrl(std::chrono::milliseconds(400'000'000'000'000));

class Revocation : public AuthorityTest {
 protected:
  Bytes issued(const std::string& name, int key = 0) {
    const auto outcome = submit(csr(name, {.key = key}));
    EXPECT_TRUE(outcome) << outcome.error().detail;
    return outcome->request.serial;
  }
};

TEST_F(Revocation, ARevokedCertificateIsNotTrustedFromItsCommitOn) {
  start(kWebPolicy);
  const auto outcome = submit(csr("web-1.example.com"));
  const auto certificate = certificate_of(*outcome);
  EXPECT_TRUE(authority->trusted(*certificate));
  const std::uint64_t before = authority->revocations();
  const auto row =
      run(authority->revoke(outcome->request.serial, RevocationReason::key_compromise, op));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->revocation->reason, 1);
  EXPECT_FALSE(authority->trusted(*certificate));
  EXPECT_GT(authority->revocations(), before);
  EXPECT_EQ(actions("web-1.example.com"), (std::vector<std::string>{"revoke", "issue"}));
  const auto again =
      run(authority->revoke(outcome->request.serial, RevocationReason::superseded, op));
  EXPECT_EQ(again.error().code, Code::already_revoked);
  EXPECT_EQ(run(authority->revoke({9}, RevocationReason::superseded, op)).error().code,
            Code::not_found);
}

TEST_F(Revocation, ACertificateThatWeDidNotIssueIsNotTrusted) {
  start();
  EXPECT_FALSE(authority->trusted(*TestCa::get().chain.back()));
}

TEST_F(Revocation, ByNameItTakesAllThatLive) {
  config.puppet.allow_duplicate_certs = true;
  start(kWebPolicy);
  ASSERT_TRUE(submit(csr("web-1.example.com"), true));
  ASSERT_TRUE(submit(csr("web-1.example.com", {.key = 1}), true));
  const std::string name = "web-1.example.com";
  EXPECT_EQ(run(authority->revoke_name(name, RevocationReason::superseded, op)).value(), 2U);
  EXPECT_EQ(run(authority->revoke_name(name, RevocationReason::superseded, op)).value(), 0U);
  EXPECT_EQ(run(authority->revoke_name("nobody", RevocationReason::superseded, op)).error().code,
            Code::not_found);
}

TEST_F(Revocation, ANameThatWasCleanedAndWhoseCertificatesHaveExpiredHasNothingToRevoke) {
  start(kWebPolicy);
  const std::string name = "web-1.example.com";
  issued(name);
  Authority::Clean only_free;
  only_free.revoke = false;
  ASSERT_TRUE(run(authority->clean(name, only_free, op)));
  EXPECT_EQ(run(authority->revoke_name(name, RevocationReason::superseded, op)).value(), 1U);
  clock.advance(std::chrono::hours(24 * 365 * 6));
  EXPECT_EQ(run(authority->revoke_name(name, RevocationReason::superseded, op)).error().code,
            Code::not_found);
}

TEST_F(Revocation, ACleanRevokesFreesTheNameAndWithdrawsWhatWaits) {
  start(kWebPolicy);
  const Bytes serial = issued("web-1.example.com");
  ASSERT_TRUE(run(authority->clean("web-1.example.com", {}, op)));
  EXPECT_TRUE(store.certificate_by_serial(serial).value()->revocation);
  EXPECT_FALSE(store.current_certificate("web-1.example.com").value());
  EXPECT_TRUE(submit(csr("web-1.example.com", {.key = 1})));

  const auto waiting = submit(csr("db-1"));
  Authority::Clean not_requests;
  not_requests.requests = false;
  EXPECT_EQ(run(authority->clean("db-1", not_requests, op)).error().code, Code::not_found);
  ASSERT_TRUE(run(authority->clean("db-1", {}, op)));
  EXPECT_EQ(store.request(waiting->request.id).value()->state, store::RequestState::withdrawn);
  EXPECT_EQ(run(authority->clean("nobody", {}, op)).error().code, Code::not_found);
}

TEST_F(Revocation, ACaThatSignedItselfIsNeverRevokedByItsOwnSerial) {
  const TestCa& ca = TestCa::get();
  auto root = Issuer::create(
      {ca.chain.back()},
      x509::make_signer(x509::PrivateKey::from_pem(ca.root_key.to_pem(""), "").value()), clock,
      system_random());
  ASSERT_TRUE(root);
  const std::string id = (*root)->id();
  authority = std::make_unique<Authority>(config, std::move(*root), store, clock, system_random());
  // As an import of such a CA's inventory once brought it.
  const std::string name = "Test Root CA";
  const std::vector<store::WriteBatch> batches = {
      {store::InsertCertificate{{.issuer = id,
                                 .serial = ca.chain.back()->serial(),
                                 .certname = name,
                                 .not_before = ca.chain.back()->not_before(),
                                 .not_after = ca.chain.back()->not_after(),
                                 .current = false}}}};
  ASSERT_TRUE(store.apply(batches).at(0).has_value());
  const auto reason = RevocationReason::key_compromise;
  EXPECT_EQ(run(authority->revoke(ca.chain.back()->serial(), reason, op)).error().code,
            Code::denied);
  EXPECT_EQ(run(authority->revoke_name(name, reason, op)).error().code, Code::denied);
  EXPECT_EQ(run(authority->clean(name, {}, op)).error().code, Code::denied);
  EXPECT_FALSE(store.certificate(id, ca.chain.back()->serial()).value()->revocation);
}

TEST_F(Revocation, ACleanThatRacesWithAnApprovalLeavesNothingAlive) {
  start();
  for (int i = 0; i < 20; ++i) {
    const std::string name = "db-" + std::to_string(i);
    const std::string id = submit(csr(name))->request.id;
    boost::asio::io_context io;
    std::optional<Result<void>> cleaned;
    boost::asio::co_spawn(io, authority->approve(id, {}, op),
                          [](std::exception_ptr, Result<Submitted>) {});
    boost::asio::co_spawn(io, authority->clean(name, {}, op),
                          [&](std::exception_ptr, Result<void> result) { cleaned = result; });
    io.run();
    ASSERT_TRUE(cleaned && cleaned->has_value()) << cleaned->error().detail;
    for (const auto& row : store.certificates_of(name).value()) {
      EXPECT_TRUE(row.revocation);
      EXPECT_FALSE(row.current);
    }
    EXPECT_FALSE(store.queued_request(name).value());
  }
}

TEST_F(Revocation, TheCrlFollowsARevocationWithinItsDelay) {
  start(kWebPolicy);
  const Bytes serial = issued("web-1.example.com");
  const auto first = crl();
  EXPECT_TRUE(first->entries().empty());
  const Loop loop(*authority);
  ASSERT_TRUE(run(authority->revoke(serial, RevocationReason::key_compromise, op)));
  // Two seconds after the last CRL by this clock; the loop itself looks every 0.2 s.
  clock.advance(std::chrono::seconds(2));
  ASSERT_TRUE(eventually([&] { return crl()->number() > first->number(); }));
  const auto second = crl();
  ASSERT_EQ(second->entries().size(), 1U);
  EXPECT_EQ(second->entries()[0].serial, serial);
  EXPECT_EQ(second->entries()[0].reason, RevocationReason::key_compromise);
  EXPECT_TRUE(second->signed_by(TestCa::get().chain.front()->public_key()));
  EXPECT_EQ(second->number(), first->number() + 1);
}

TEST_F(Revocation, AFailedPublicationIsTriedAgainAndTheOldCrlStaysServed) {
  start(kWebPolicy);
  const Bytes serial = issued("web-1.example.com");
  ASSERT_TRUE(run(authority->revoke(serial, RevocationReason::key_compromise, op)));
  const auto first = crl();
  store.failing = true;
  clock.advance(std::chrono::seconds(2));
  const Loop loop(*authority);
  ASSERT_TRUE(eventually([&] { return !authority->health().ready; }));
  EXPECT_EQ(crl()->number(), first->number());
  store.failing = false;
  ASSERT_TRUE(eventually([&] { return crl()->number() > first->number(); }));
  EXPECT_EQ(crl()->entries().size(), 1U);
}

TEST_F(Revocation, TheCrlIsRenewedAtHalfOfItsLifetimeAndWhenTheClockWentBack) {
  start();
  const Loop loop(*authority);
  std::uint64_t number = crl()->number();
  clock.advance(config.crl_lifetime / 2);
  ASSERT_TRUE(eventually([&] { return crl()->number() > number; }));
  EXPECT_EQ(crl()->next_update(),
            std::chrono::floor<std::chrono::seconds>(clock.now()) + config.crl_lifetime);
  number = crl()->number();
  clock.jump(-std::chrono::hours(24));
  ASSERT_TRUE(eventually([&] { return crl()->number() > number; }));
  EXPECT_LE(crl()->this_update(), clock.now());
}

// Of a CRL that a start does not renew.
constexpr std::chrono::days kLong(365);

TEST_F(Revocation, TheCrlNumberOnlyRisesAcrossRestarts) {
  std::uint64_t number = 0;
  for (int i = 0; i < 3; ++i) {
    start();
    EXPECT_GT(crl()->number(), number);
    number = crl()->number();
    clock.jump(-std::chrono::hours(1));  // whatever the clock says
  }
}

// RFC 5280 3.3.
TEST_F(Revocation, AnExpiredCertificateLeavesTheCrlAfterOneThatWasMadePastItsEnd) {
  config.profiles["agent"].validity = std::chrono::hours(1);
  config.crl_lifetime = kLong;
  start(kWebPolicy);
  ASSERT_TRUE(
      run(authority->revoke(issued("web-1.example.com"), RevocationReason::superseded, op)));
  start(kWebPolicy);
  EXPECT_EQ(crl()->entries().size(), 1U);
  for (const std::size_t entries : {1U, 0U}) {
    const std::uint64_t number = crl()->number();
    clock.advance(config.crl_lifetime);
    start(kWebPolicy);
    EXPECT_EQ(crl()->number(), number + 1);
    EXPECT_EQ(crl()->entries().size(), entries);
  }
  const std::string before = *authority->crl_der();
  start(kWebPolicy);
  EXPECT_EQ(*authority->crl_der(), before) << "what left is not put back at a start";
}

TEST_F(Revocation, ARestartServesTheSameCrlByteForByteIfItLastsForLong) {
  config.crl_lifetime = kLong;
  start(kWebPolicy);
  for (const char* name : {"web-1.example.com", "web-2.example.com", "web-3.example.com"}) {
    ASSERT_TRUE(run(authority->revoke(issued(name), RevocationReason::key_compromise, op)));
  }
  start(kWebPolicy);
  const std::string before = *authority->crl_der();
  EXPECT_EQ(crl()->entries().size(), 3U);
  clock.advance(std::chrono::seconds(30));
  start(kWebPolicy);
  EXPECT_EQ(*authority->crl_der(), before);
  EXPECT_TRUE(store.last_crl(issuer()->id()).value()->der.empty()) << "and no copy is stored";
}

TEST_F(Revocation, AStartRenewsACrlThatEndsWithin30Days) {
  config.crl_lifetime = std::chrono::days(60);
  start();
  const std::uint64_t number = crl()->number();
  start();
  EXPECT_EQ(crl()->number(), number);
  clock.advance(std::chrono::days(30) + std::chrono::seconds(1));
  start();
  EXPECT_EQ(crl()->number(), number + 1);
}

TEST_F(Revocation, EntriesAreInTheOrderOfTheRevocations) {
  start(kWebPolicy);
  std::vector<Bytes> serials;
  for (const char* name : {"web-1.example.com", "web-2.example.com", "web-3.example.com"}) {
    serials.push_back(issued(name));
  }
  std::ranges::sort(serials, std::greater<>());
  for (const Bytes& serial : serials) {
    ASSERT_TRUE(run(authority->revoke(serial, RevocationReason::key_compromise, op)));
  }
  start(kWebPolicy);
  std::vector<Bytes> listed;
  const auto served = crl();
  for (const auto& entry : served->entries()) listed.push_back(entry.serial);
  EXPECT_EQ(listed, serials);
}

TEST_F(Revocation, WhatIsServedEndsWithTheCrlsAbove) {
  config.root_crl = crl_pem({});
  start();
  EXPECT_TRUE(authority->crl_pem()->starts_with("-----BEGIN X509 CRL-----\n"));
  EXPECT_TRUE(authority->crl_pem()->ends_with(config.root_crl));
}

TEST_F(Revocation, TheCrlCountsAsChangedWhenItIsServedAndNotByItsThisUpdate) {
  clock.advance(std::chrono::milliseconds(700));
  start();
  EXPECT_EQ(authority->agents_crls().changed_at, clock.now());
  EXPECT_LT(crl()->this_update(), authority->agents_crls().changed_at);
}

TEST_F(Revocation, AStoredCrlThatDoesNotVerifyIsReplacedByOneWithAHigherNumber) {
  config.crl_lifetime = kLong;
  start();
  authority.reset();
  auto last = store.last_crl(issuer()->id()).value().value();
  last.number += 5;  // signed was another
  ASSERT_TRUE(store.under->apply(std::vector<store::WriteBatch>{{store::InsertCrl{last}}})[0]);
  start();
  EXPECT_EQ(crl()->number(), last.number + 1);
  EXPECT_TRUE(crl()->signed_by(issuer()->certificate().public_key()));
}

TEST_F(Revocation, AStoredTimeThatNoCrlCanHaveIsReplacedToo) {
  start();
  authority.reset();
  auto last = store.last_crl(issuer()->id()).value().value();
  last.number += 1;
  last.next_update = kNoTimeOfACrl;
  ASSERT_TRUE(store.under->apply(std::vector<store::WriteBatch>{{store::InsertCrl{last}}})[0]);
  start();
  EXPECT_EQ(crl()->number(), last.number + 1);
}

// Any row of `revocations` that differs from what was signed, say by a hand in the database.
TEST_F(Revocation, ARevocationThatIsNotWhatWasSignedMakesANewCrl) {
  start(kWebPolicy);
  ASSERT_TRUE(
      run(authority->revoke(issued("web-1.example.com"), RevocationReason::key_compromise, op)));
  start(kWebPolicy);
  authority.reset();
  auto last = store.last_crl(issuer()->id()).value().value();
  last.number += 1;
  last.through = 0;  // as if the row had been put in afterwards
  ASSERT_TRUE(store.under->apply(std::vector<store::WriteBatch>{{store::InsertCrl{last}}})[0]);
  start(kWebPolicy);
  EXPECT_EQ(crl()->number(), last.number + 1);
  EXPECT_EQ(crl()->entries().size(), 1U);
  EXPECT_TRUE(crl()->signed_by(issuer()->certificate().public_key()));
}

TEST_F(Revocation, ARevocationOfAnImpossibleTimeIsListedWithTheNearestAndHoldsUpNoOther) {
  start(kWebPolicy);
  const Bytes odd = issued("web-1.example.com");
  const Bytes other = issued("web-2.example.com", 1);
  ASSERT_TRUE(store.under->apply(std::vector<store::WriteBatch>{
      {store::RevokeCertificate{issuer()->id(), odd, {kNoTimeOfACrl, 1}}}})[0]);
  ASSERT_TRUE(run(authority->revoke(other, RevocationReason::superseded, op)));
  start(kWebPolicy);
  ASSERT_EQ(crl()->entries().size(), 2U);
  EXPECT_EQ(crl()->entries()[0].serial, odd);
  EXPECT_EQ(crl()->entries()[1].serial, other);
}

// The commit was the last thing that the dead one did.
TEST_F(Revocation, ACrlThatWasCommittedAndNeverServedIsServedByTheNextStart) {
  config.crl_lifetime = kLong;
  start(kWebPolicy);
  ASSERT_TRUE(
      run(authority->revoke(issued("web-1.example.com"), RevocationReason::key_compromise, op)));
  const std::string served = *authority->crl_der();
  {
    // Another process, as the store sees it.
    Authority next(config, issuer(), store, clock, system_random());
    EXPECT_NE(*next.crl_der(), served);
  }
  const std::uint64_t committed = store.last_crl(issuer()->id()).value()->number;
  start(kWebPolicy);
  EXPECT_EQ(crl()->number(), committed);
  EXPECT_EQ(crl()->entries().size(), 1U);
}

TEST_F(Revocation, AWholeCrlThatIsNotWhatItsRowSaysStopsTheStart) {
  start();
  const std::string der = *authority->crl_der();
  authority.reset();
  auto last = store.last_crl(issuer()->id()).value().value();
  last.number += 5;  // the row says more than the CRL itself
  last.der = to_bytes(as_bytes(der));
  last.signature = {};
  ASSERT_TRUE(store.under->apply(std::vector<store::WriteBatch>{{store::InsertCrl{last}}})[0]);
  EXPECT_THROW(start(), std::runtime_error);
}

}  // namespace
}  // namespace countersign::ca
