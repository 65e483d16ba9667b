// The promises of store.h about batches, and about the tables that need no file of their own.
#include "tests/store/conformance.h"

#include <atomic>
#include <thread>

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreConformance : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Engines, StoreConformance, kEngines, engine_name);

// A store in which each kind of mutation can succeed and can fail.
WriteBatch seed() {
  CertificateRecord revoked = certificate("gone", 2);
  revoked.revocation = Revocation{at(1500), 1};
  return {InsertIssuer{issuer()},
          InsertRequest{request("A1", "waits")},
          InsertRequest{request("A2", "waits-too")},
          InsertCertificate{certificate("web", 1)},
          InsertCertificate{revoked},
          InsertCrl{crl(7)},
          InsertToken{token("T1")},
          InsertEnrolmentToken{enrolment_token("E1", "web")},
          InsertEnrolmentToken{enrolment_token("E2", "")},
          BindInstance{instance("i-1", 1), {}},
          TakeAllowance{"limit", at(1100), 1, std::chrono::hours(1)},
          InsertHookEvent{hook_event("chat", "web"), 2},
          InsertHookEvent{hook_event("chat", "db"), 2},
          AppendAudit{audit_row("issue", "web")},
          AppendAuditCheckpoint{checkpoint(1)},
          PutDocument{"acme", "key", "first", 0}};
}

// One of each that succeeds after seed().
WriteBatch every_mutation() {
  return {InsertIssuer{issuer("CA2")},
          InsertRequest{request("B1", "new")},
          DecideRequest{"A1", RequestState::denied, "no", "operator", at(1200), "", {}},
          InsertCertificate{certificate("gone", 3), true},
          RevokeCertificate{"CA1", serial(1), {at(1600), 4}},
          ReleaseName{"web"},
          InsertCertificate{certificate("web", 4)},
          WithdrawRequest{"waits-too", at(1300), "operator"},
          InsertRequest{request("B2", "waits-too")},
          InsertCrl{crl(8)},
          InsertToken{token("T2")},
          RevokeToken{"T1", at(1400)},
          InsertEnrolmentToken{enrolment_token("E3", "db")},
          RedeemEnrolmentToken{"E1", at(1400)},
          RevokeEnrolmentToken{"E2", at(1400)},
          BindInstance{instance("i-1", 4), serial(1)},
          TakeAllowance{"limit", at(1400), 2, std::chrono::hours(1)},
          SettleAllowance{"limit", at(100), std::chrono::hours(1)},
          PostponeHookEvent{2, at(3000), "busy"},
          RemoveHookEvent{1, true},
          InsertHookEvent{hook_event("chat", "web"), 2},
          InsertHookEvent{hook_event("chat", "mail"), 2},
          InsertHookEvent{hook_event("log", "web"), 2},
          AppendAudit{audit_row("revoke", "web")},
          AppendAuditCheckpoint{checkpoint(2)},
          PutDocument{"acme", "key", "second", 1},
          PutDocument{"acme", "other", "x", 0}};
}

TEST_P(StoreConformance, AnEmptyStoreAnswersEveryReadWithNothing) {
  EXPECT_EQ(view(), View());
  EXPECT_FALSE(store_->certificate("CA1", serial(1)).value());
  EXPECT_FALSE(store_->certificate_by_serial(serial(1)).value());
  EXPECT_FALSE(store_->current_certificate("web").value());
  EXPECT_THAT(store_->certificates_of("web").value(), IsEmpty());
  EXPECT_FALSE(store_->request("A1").value());
  EXPECT_FALSE(store_->queued_request("web").value());
  EXPECT_FALSE(store_->request_by_csr("web", Bytes{1}).value());
  EXPECT_THAT(store_->requests_of("web", 10).value(), IsEmpty());
  EXPECT_FALSE(store_->token_by_hash(Bytes{1}).value());
  EXPECT_FALSE(store_->enrolment_token("E1").value());
  EXPECT_FALSE(store_->enrolment_token_by_hash(Bytes{1}).value());
  EXPECT_TRUE(store_->apply({}).empty());
  EXPECT_EQ(apply({}), kDone) << "an empty batch does nothing, and does it well";
}

// Each mutation that must fail, and the code it must fail with.
TEST_P(StoreConformance, EachMutationFailsWithItsOwnCode) {
  ASSERT_EQ(apply(seed()), kDone);
  ASSERT_EQ(
      apply({RevokeToken{"T1", at(9)}, InsertToken{token("T3")}, RevokeEnrolmentToken{"E2", at(9)},
             DecideRequest{"A2", RequestState::denied, "no", "operator", at(9), "", {}}}),
      kDone);
  IssuerRecord forged = issuer();
  forged.certificate = {1, 2, 3};
  TokenRecord same_hash = token("T9");
  same_hash.hash = token("T3").hash;
  EnrolmentTokenRecord same_secret = enrolment_token("E9", "web");
  same_secret.hash = enrolment_token("E1", "web").hash;
  CertificateRecord stranger = certificate("new", 9);
  stranger.issuer = "CA9";
  const struct {
    const char* what;
    Mutation mutation;
    Code code;
  } cases[] = {
      {"issuer, other DER", InsertIssuer{forged}, Code::conflict},
      {"request, id taken", InsertRequest{request("A1", "else")}, Code::conflict},
      {"request, name queued", InsertRequest{request("C1", "waits")}, Code::request_exists},
      {"decide, unknown", DecideRequest{"C9", RequestState::denied, "", "", at(1), "", {}},
       Code::not_found},
      {"decide, decided", DecideRequest{"A2", RequestState::signed_, "", "", at(1), "", {}},
       Code::conflict},
      {"certificate, serial taken", InsertCertificate{certificate("new", 1)}, Code::conflict},
      {"certificate, serial taken, replacing", InsertCertificate{certificate("web", 1), true},
       Code::conflict},
      {"certificate, name taken", InsertCertificate{certificate("web", 9)},
       Code::certificate_exists},
      {"certificate, name revoked", InsertCertificate{certificate("gone", 9)},
       Code::revoked_exists},
      {"certificate, issuer unknown", InsertCertificate{stranger}, Code::not_found},
      {"revoke, serial unknown", RevokeCertificate{"CA1", serial(9), {}}, Code::not_found},
      {"revoke, issuer unknown", RevokeCertificate{"CA9", serial(1), {}}, Code::not_found},
      {"revoke, revoked", RevokeCertificate{"CA1", serial(2), {}}, Code::already_revoked},
      {"release, unknown", ReleaseName{"nobody"}, Code::not_found},
      {"withdraw, unknown", WithdrawRequest{"nobody", at(1), ""}, Code::not_found},
      {"withdraw, decided", WithdrawRequest{"waits-too", at(1), ""}, Code::not_found},
      {"CRL, number lower", InsertCrl{crl(6)}, Code::conflict},
      {"CRL, number equal", InsertCrl{crl(7)}, Code::conflict},
      {"token, id taken", InsertToken{token("T1")}, Code::conflict},
      {"token, hash taken", InsertToken{same_hash}, Code::conflict},
      {"token revoke, unknown", RevokeToken{"T9", at(1)}, Code::not_found},
      {"token revoke, revoked", RevokeToken{"T1", at(1)}, Code::already_revoked},
      {"enrolment token, id taken", InsertEnrolmentToken{enrolment_token("E1", "x")},
       Code::conflict},
      {"enrolment token, hash taken", InsertEnrolmentToken{same_secret}, Code::conflict},
      {"redeem, unknown", RedeemEnrolmentToken{"E9", at(1)}, Code::not_found},
      {"redeem, at its end", RedeemEnrolmentToken{"E1", at(4000)}, Code::conflict},
      {"redeem, revoked", RedeemEnrolmentToken{"E2", at(1)}, Code::conflict},
      {"enrolment token revoke, unknown", RevokeEnrolmentToken{"E9", at(1)}, Code::not_found},
      {"enrolment token revoke, revoked", RevokeEnrolmentToken{"E2", at(1)}, Code::already_revoked},
      {"limit, used up", TakeAllowance{"limit", at(1100), 1, std::chrono::hours(1)},
       Code::rate_limited},
      {"hook event, postponed, unknown", PostponeHookEvent{9, at(1), ""}, Code::not_found},
      {"hook event, removed, unknown", RemoveHookEvent{9, false}, Code::not_found},
      {"checkpoint, not newer", AppendAuditCheckpoint{checkpoint(1)}, Code::conflict},
      {"document, there", PutDocument{"acme", "key", "x", 0}, Code::conflict},
      {"document, other version", PutDocument{"acme", "key", "x", 2}, Code::conflict},
      {"document, not there", PutDocument{"acme", "none", "x", 1}, Code::conflict},
  };
  const View before = view();
  for (const auto& one : cases) {
    EXPECT_EQ(apply({one.mutation}), one.code) << one.what;
    EXPECT_EQ(view(), before) << one.what;
  }
}

TEST_P(StoreConformance, AFailureAnywhereInABatchLeavesNothingOfIt) {
  ASSERT_EQ(apply(seed()), kDone);
  const View before = view();
  const WriteBatch whole = every_mutation();
  for (std::size_t place = 0; place <= whole.size(); ++place) {
    WriteBatch broken = whole;
    broken.insert(broken.begin() + static_cast<std::ptrdiff_t>(place), ReleaseName{"nobody"});
    EXPECT_EQ(apply(broken), Code::not_found) << place;
    EXPECT_EQ(view(), before) << place;
    EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 1)) << place;
    EXPECT_EQ(store_->queued_request("waits").value(), request("A1", "waits")) << place;
  }
  EXPECT_EQ(apply(whole), kDone) << "nothing stands in the way of the same batch without the fault";
  EXPECT_EQ(store_->queued_request("waits-too").value(), request("B2", "waits-too"));
  EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 4));
}

TEST_P(StoreConformance, ABadBatchOfAGroupFailsAlone) {
  ASSERT_EQ(apply({InsertIssuer{issuer()}}), kDone);
  const std::vector<WriteBatch> group = {
      {InsertCertificate{certificate("a", 1)}, AppendAudit{audit_row("issue", "a")}},
      {InsertCertificate{certificate("b", 2)}, InsertCertificate{certificate("a", 3)},
       AppendAudit{audit_row("issue", "b")}},
      {},
      {InsertCertificate{certificate("b", 4)}, AppendAudit{audit_row("issue", "b")}},
  };
  const auto results = store_->apply(group);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0]);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().code, Code::certificate_exists);
  EXPECT_TRUE(results[2]);
  EXPECT_TRUE(results[3]) << "a later batch sees those before it, without the failed one";
  EXPECT_EQ(store_->current_certificate("b").value(), certificate("b", 4));
  EXPECT_EQ(store_->audit("", 10).value().size(), 2U);
  EXPECT_EQ(store_->counts().value().certificates, 2);
}

TEST_P(StoreConformance, TheSameIssuerAgainIsNothingNewAndTheOrderIsThatOfInsertion) {
  EXPECT_EQ(apply({InsertIssuer{issuer("CA2")}, InsertIssuer{issuer("CA1")}}), kDone);
  EXPECT_EQ(apply({InsertIssuer{issuer("CA2")}}), kDone);
  EXPECT_THAT(store_->issuers().value(), ElementsAre(issuer("CA2"), issuer("CA1")));
}

TEST_P(StoreConformance, TheLastCrlIsTheOneOfTheHighestNumberOfItsIssuer) {
  EXPECT_EQ(apply({InsertCrl{crl(1)}, InsertCrl{crl(40)}, InsertCrl{crl(3, "CA2")}}), kDone);
  EXPECT_EQ(apply({InsertCrl{crl(41)}}), kDone);
  EXPECT_EQ(store_->last_crl("CA1").value(), crl(41));
  EXPECT_EQ(store_->last_crl("CA2").value(), crl(3, "CA2")) << "each issuer counts for itself";
  EXPECT_FALSE(store_->last_crl("CA3").value());
}

TEST_P(StoreConformance, TokensAreFoundByTheirHashAndListedById) {
  TokenRecord lasting = token("T2");
  lasting.expires_at.reset();
  TokenRecord imported = token("T0");
  imported.revoked_at = at(20);
  EXPECT_EQ(apply({InsertToken{lasting}, InsertToken{token("T1")}, InsertToken{imported}}), kDone);
  EXPECT_THAT(store_->tokens().value(), ElementsAre(imported, token("T1"), lasting));
  EXPECT_EQ(store_->token_by_hash(token("T1").hash).value(), token("T1"));
  EXPECT_EQ(apply({RevokeToken{"T1", at(30)}}), kDone);
  EXPECT_EQ(store_->token_by_hash(token("T1").hash).value()->revoked_at, at(30));
  EXPECT_FALSE(store_->token_by_hash(Bytes{}).value());
}

TEST_P(StoreConformance, AuditRowsAreNumberedAndChainedByTheStoreWithoutGapsAndReadNewestFirst) {
  AuditRecord own_number = audit_row("issue", "a");
  own_number.hash = {1, 2, 3};
  own_number.sequence = 999;
  EXPECT_EQ(apply({AppendAudit{own_number}, AppendAudit{audit_row("deny", "b")}}), kDone);
  EXPECT_EQ(apply({AppendAudit{audit_row("lost", "a")}, ReleaseName{"nobody"}}), Code::not_found);
  EXPECT_EQ(apply({AppendAudit{audit_row("revoke", "a")}}), kDone);
  const AuditRecord first = chained(audit_row("issue", "a"), nullptr);
  const AuditRecord second = chained(audit_row("deny", "b"), &first);
  const AuditRecord third = chained(audit_row("revoke", "a"), &second);
  EXPECT_THAT(store_->audit("", 10).value(), ElementsAre(third, second, first));
  EXPECT_THAT(store_->audit("a", 10).value(), ElementsAre(third, first));
  EXPECT_THAT(store_->audit("a", 1).value(), ElementsAre(third));
  EXPECT_THAT(store_->audit("", 2).value(), ElementsAre(third, second));
  EXPECT_THAT(store_->audit("c", 10).value(), IsEmpty());
}

TEST_P(StoreConformance, ADocumentIsPutOnlyOverTheVersionThatWasRead) {
  EXPECT_EQ(apply({PutDocument{"acme", "k", "one", 0}}), kDone);
  EXPECT_EQ(apply({PutDocument{"est", "k", "other space", 0}}), kDone);
  EXPECT_EQ(apply({PutDocument{"acme", "k", "two", 1}, PutDocument{"acme", "k", "three", 2}}),
            kDone);
  EXPECT_EQ(apply({PutDocument{"acme", "k", "late", 2}}), Code::conflict);
  const auto document = store_->document("acme", "k").value();
  ASSERT_TRUE(document);
  EXPECT_EQ(document->value, "three");
  EXPECT_EQ(document->version, 3);
  EXPECT_EQ(store_->document("est", "k").value()->version, 1);
  EXPECT_FALSE(store_->document("acme", "K").value());
}

TEST_P(StoreConformance, TextAndBytesComeBackAsTheyWent) {
  const std::string odd("a\0b\"';--\n\xC3\xA9", 12);
  CertificateRecord record = certificate("odd", 1);
  record.names = odd;
  record.der = {0x00, 0xFF, 0x00};
  record.profile = "";
  record.not_after = Timestamp(std::chrono::milliseconds(5000123));
  EXPECT_EQ(
      apply({InsertIssuer{issuer()}, InsertCertificate{record}, PutDocument{"s", odd, odd, 0}}),
      kDone);
  EXPECT_EQ(store_->current_certificate("odd").value(), record);
  EXPECT_EQ(store_->document("s", odd).value()->value, odd);
}

TEST_P(StoreConformance, ReadersSeeWholeBatchesOnly) {
  ASSERT_EQ(apply({InsertIssuer{issuer()}}), kDone);
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0}, looks{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const auto list = store_->tokens().value();  // put two at a time
        torn += static_cast<int>(list.size() % 2);
        ++looks;
      }
    });
  }
  for (int i = 0; i < 40 || looks.load() < 20; ++i) {
    const std::string name = std::to_string(i);
    ASSERT_EQ(apply({InsertToken{token("A" + name)}, InsertToken{token("B" + name)}}), kDone);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn.load(), 0);
}

TEST_P(StoreConformance, ReopeningAHealthyStoreLosesNothing) {
  ASSERT_EQ(apply(seed()), kDone);
  const View before = view();
  EXPECT_TRUE(store_->reopen());
  EXPECT_EQ(view(), before);
  EXPECT_EQ(apply(every_mutation()), kDone);
}

}  // namespace
}  // namespace countersign::store
