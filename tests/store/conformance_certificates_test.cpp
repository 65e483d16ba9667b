// The promises of store.h about certificates and revocations.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CertificateConformance : public Conformance {
 protected:
  CertificateConformance() {
    EXPECT_EQ(apply({InsertIssuer{issuer("CA2")}, InsertIssuer{issuer("CA1")}}), kDone);
  }

  std::vector<std::string> names(CertificateQuery query, Timestamp now = at(2000)) {
    std::vector<std::string> list;
    for (int pages = 0; pages < 100; ++pages) {
      const CertificatePage page = store_->certificates(query, now).value();
      EXPECT_LE(page.rows.size(), std::max<std::size_t>(query.limit, 1));
      for (const CertificateRecord& row : page.rows) list.push_back(row.certname);
      if (page.next == 0) return list;
      EXPECT_GT(page.next, query.after);
      query.after = page.next;
    }
    ADD_FAILURE() << "the pages never end";
    return list;
  }

  std::optional<Code> revoke(int number, std::int64_t when = 1500, int reason = 1) {
    return apply({RevokeCertificate{"CA1", serial(number), {at(when), reason}}});
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, CertificateConformance, kEngines, engine_name);

TEST_P(CertificateConformance, ACertificateIsFoundBySerialAndByName) {
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  EXPECT_EQ(store_->certificate("CA1", serial(1)).value(), certificate("web", 1));
  EXPECT_EQ(store_->certificate_by_serial(serial(1)).value(), certificate("web", 1));
  EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 1));
  EXPECT_THAT(store_->certificates_of("web").value(), ElementsAre(certificate("web", 1)));
  EXPECT_FALSE(store_->certificate("CA2", serial(1)).value());
  EXPECT_FALSE(store_->certificate_by_serial(Bytes{0x51}).value()) << "a prefix is no serial";
  EXPECT_FALSE(store_->current_certificate("we").value());
}

TEST_P(CertificateConformance, ASerialIsTakenForItsIssuerOnly) {
  CertificateRecord other = certificate("db", 1);
  other.issuer = "CA2";
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}, InsertCertificate{other}}), kDone);
  EXPECT_EQ(store_->certificate("CA1", serial(1)).value()->certname, "web");
  EXPECT_EQ(store_->certificate("CA2", serial(1)).value()->certname, "db");
  EXPECT_TRUE(store_->certificate_by_serial(serial(1)).value());
  ASSERT_EQ(revoke(1), kDone);
  EXPECT_FALSE(store_->certificate("CA2", serial(1)).value()->revocation);
}

TEST_P(CertificateConformance, AReplacedCertificateStaysKnownButNoLongerStandsForTheName) {
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 2), true}}), kDone);
  CertificateRecord former = certificate("web", 1);
  former.current = false;
  EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 2));
  EXPECT_THAT(store_->certificates_of("web").value(), ElementsAre(certificate("web", 2), former))
      << "newest first";
  EXPECT_EQ(apply({InsertCertificate{certificate("new", 3), true}}), kDone)
      << "replacing nothing is no failure";
}

TEST_P(CertificateConformance, AnExpiredCertificateGivesWayUnlessItIsRevoked) {
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  CertificateRecord next = certificate("web", 2);
  next.issued_at = certificate("web", 1).not_after - std::chrono::milliseconds(1);
  EXPECT_EQ(apply({InsertCertificate{next}}), Code::certificate_exists) << "valid to the last";
  next.issued_at = certificate("web", 1).not_after;
  ASSERT_EQ(revoke(1), kDone);
  EXPECT_EQ(apply({InsertCertificate{next}}), Code::revoked_exists);
  ASSERT_EQ(apply({InsertCertificate{certificate("db", 3)}}), kDone);
  next.certname = "db";
  EXPECT_EQ(apply({InsertCertificate{next}}), kDone);
  EXPECT_EQ(store_->current_certificate("db").value()->serial, serial(2));
  EXPECT_FALSE(store_->certificate("CA1", serial(3)).value()->current);
}

TEST_P(CertificateConformance, AnExpiredCertificateHoldsTheNameForAnOlderOneThatOutlivesIt) {
  const Timestamp end = certificate("web", 1).not_after;
  CertificateRecord brief = certificate("web", 2);
  brief.not_after = end - std::chrono::seconds(10);
  CertificateRecord thief = certificate("web", 3);
  thief.issued_at = brief.not_after;
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  ASSERT_EQ(apply({InsertCertificate{brief, false, serial(1)}}), kDone);
  EXPECT_EQ(apply({InsertCertificate{thief}}), Code::certificate_exists);
  EXPECT_EQ(apply({RevokeCertificate{"CA1", serial(1), {at(1500), 1}},
                   InsertCertificate{certificate("other", 9)}}),
            kDone);
  EXPECT_EQ(apply({InsertCertificate{thief}}), kDone) << "the older one is revoked";

  CertificateRecord service = certificate("ca", 4);
  service.rule = "service";
  service.current = false;
  brief.certname = thief.certname = "ca";
  brief.serial = serial(5);
  thief.serial = serial(6);
  ASSERT_EQ(apply({InsertCertificate{service}, InsertCertificate{brief}}), kDone);
  EXPECT_EQ(apply({InsertCertificate{thief}}), kDone) << "the service's never took the name";

  brief.certname = thief.certname = "db";
  brief.serial = serial(8);
  thief.serial = serial(10);
  ASSERT_EQ(apply({InsertCertificate{certificate("db", 7)}}), kDone);
  ASSERT_EQ(apply({InsertCertificate{brief, false, serial(7)}}), kDone);
  ASSERT_EQ(apply({ReleaseName{"db"}}), kDone);
  EXPECT_EQ(apply({InsertCertificate{thief}}), kDone) << "cleaned";
}

TEST_P(CertificateConformance, OneThatIsNotCurrentNeitherNeedsNorTakesTheName) {
  CertificateRecord old = certificate("web", 2);
  old.current = false;
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}, InsertCertificate{old}}), kDone);
  EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 1));
  EXPECT_EQ(store_->certificate("CA1", serial(2)).value(), old);
}

TEST_P(CertificateConformance, ARenewalReplacesTheOneThatItNamesAndNoOther) {
  const auto renewal = [](int number, int renewed) {
    return InsertCertificate{
        .certificate = certificate("web", number), .replace = false, .renews = serial(renewed)};
  };
  EXPECT_EQ(apply({renewal(2, 1)}), Code::conflict) << "the name is free";
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  ASSERT_EQ(apply({renewal(2, 1)}), kDone);
  EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 2));
  EXPECT_FALSE(store_->certificate("CA1", serial(1)).value()->current);
  EXPECT_EQ(apply({renewal(3, 1)}), Code::conflict) << "the name stands for 2";
  CertificateRecord foreign = certificate("web", 3);
  foreign.issuer = "CA2";
  EXPECT_EQ(apply({InsertCertificate{foreign, false, serial(2)}}), Code::conflict);
  ASSERT_EQ(revoke(2), kDone);
  EXPECT_EQ(apply({renewal(3, 2)}), Code::conflict) << "revoked";
  EXPECT_EQ(store_->current_certificate("web").value()->serial, serial(2));
}

TEST_P(CertificateConformance, ANameIsReleasedFromTheCertificateThatIsNamed) {
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  EXPECT_EQ(apply({ReleaseName{"web", serial(2)}}), Code::conflict);
  EXPECT_EQ(store_->current_certificate("web").value(), certificate("web", 1));
  EXPECT_EQ(apply({ReleaseName{"web", serial(1)}}), kDone);
  EXPECT_EQ(apply({ReleaseName{"web", serial(1)}}), Code::not_found);
}

TEST_P(CertificateConformance, AReleasedNameIsFreeAndItsCertificateKeepsItsState) {
  ASSERT_EQ(apply({InsertCertificate{certificate("web", 1)}}), kDone);
  ASSERT_EQ(revoke(1), kDone);
  ASSERT_EQ(apply({ReleaseName{"web"}}), kDone);
  EXPECT_FALSE(store_->current_certificate("web").value());
  EXPECT_EQ(store_->certificate("CA1", serial(1)).value()->revocation, (Revocation{at(1500), 1}));
  EXPECT_EQ(apply({ReleaseName{"web"}}), Code::not_found);
  EXPECT_EQ(apply({InsertCertificate{certificate("web", 2)}}), kDone);
}

TEST_P(CertificateConformance, TheRevokedAreListedInSerialOrderUntilTheyExpire) {
  CertificateRecord brief = certificate("brief", 2);
  brief.not_after = at(3000);
  CertificateRecord imported = certificate("imported", 0x1FF);
  imported.revocation = Revocation{at(1100), 5};
  CertificateRecord other = certificate("other", 7);
  other.issuer = "CA2";
  other.revocation = Revocation{at(1100), 5};
  CertificateRecord short_serial = certificate("short", 0);
  short_serial.serial = {0x51};
  ASSERT_EQ(apply({InsertCertificate{imported}, InsertCertificate{certificate("c", 0x100)},
                   InsertCertificate{brief}, InsertCertificate{certificate("alive", 3)},
                   InsertCertificate{other}, InsertCertificate{short_serial}}),
            kDone);
  ASSERT_EQ(revoke(0x100, 1500, 1), kDone);
  ASSERT_EQ(revoke(2, 1400, 4), kDone);
  ASSERT_EQ(apply({RevokeCertificate{"CA1", {0x51}, {at(1), 0}}}), kDone);
  const RevokedSerial shortest{{0x51}, {at(1), 0}};
  const RevokedSerial first{serial(2), {at(1400), 4}};
  const RevokedSerial second{serial(0x100), {at(1500), 1}};
  const RevokedSerial third{serial(0x1FF), {at(1100), 5}};
  EXPECT_THAT(store_->revoked("CA1", at(2999)).value(),
              ElementsAre(shortest, first, second, third));
  EXPECT_THAT(store_->revoked("CA1", at(3000)).value(), ElementsAre(shortest, second, third))
      << "expired at not_after itself";
  EXPECT_THAT(store_->revoked("CA1", at(5000)).value(), IsEmpty());
  EXPECT_EQ(store_->revoked("CA2", at(2000)).value().size(), 1U);
  EXPECT_THAT(store_->revoked("CA9", at(2000)).value(), IsEmpty());
}

TEST_P(CertificateConformance, RevocationsAreReadInTheOrderOfTheirCommits) {
  CertificateRecord imported = certificate("imported", 0x1FF);
  imported.revocation = Revocation{at(1100), 5};
  CertificateRecord other = certificate("other", 7);
  other.issuer = "CA2";
  other.revocation = Revocation{at(1100), 5};
  ASSERT_EQ(apply({InsertCertificate{certificate("a", 2)}, InsertCertificate{certificate("b", 9)},
                   InsertCertificate{imported}, InsertCertificate{other}}),
            kDone);
  ASSERT_EQ(revoke(9, 1500, 1), kDone);
  ASSERT_EQ(apply({RevokeCertificate{"CA1", serial(2), {at(1400), 4}},
                   RevokeCertificate{"CA1", serial(9), {at(1400), 4}}}),
            Code::already_revoked)
      << "and the first of the batch is undone";
  ASSERT_EQ(revoke(2, 1400, 4), kDone);
  const auto all = store_->revocations("CA1", 0, 10).value();
  std::vector<Bytes> serials;
  for (const RevocationRecord& row : all) serials.push_back(row.serial);
  ASSERT_THAT(serials, ElementsAre(serial(0x1FF), serial(9), serial(2)));
  EXPECT_LT(all[0].sequence, all[1].sequence);
  EXPECT_LT(all[1].sequence, all[2].sequence);
  EXPECT_EQ(all[1].revocation, (Revocation{at(1500), 1}));
  EXPECT_EQ(all[1].not_after, certificate("b", 9).not_after);
  EXPECT_THAT(store_->revocations("CA1", all[0].sequence, 1).value(), ElementsAre(all[1]));
  EXPECT_THAT(store_->revocations("CA1", all[2].sequence, 10).value(), IsEmpty());
  EXPECT_EQ(store_->revocations("CA2", 0, 10).value().size(), 1U);
  EXPECT_THAT(store_->revocations("CA9", 0, 10).value(), IsEmpty());
}

TEST_P(CertificateConformance, CountsFollowEveryIssueAndRevocation) {
  CertificateRecord imported = certificate("imported", 3);
  imported.revocation = Revocation{at(1100), 5};
  ASSERT_EQ(apply({InsertCertificate{certificate("a", 1)}, InsertCertificate{certificate("b", 2)},
                   InsertCertificate{imported}}),
            kDone);
  ASSERT_EQ(revoke(1), kDone);
  ASSERT_EQ(revoke(1), Code::already_revoked);
  ASSERT_EQ(apply({InsertCertificate{certificate("a", 4), true}}), kDone);
  const Counts counts = store_->counts().value();
  EXPECT_EQ(counts.certificates, 4);
  EXPECT_EQ(counts.revoked, 2);
  EXPECT_EQ(counts.queued, 0);
}

TEST_P(CertificateConformance, PagesOfAnyFilterAndSizeMissNothingAndRepeatNothing) {
  std::vector<CertificateRecord> all;
  WriteBatch batch;
  for (int i = 0; i < 48; ++i) {
    CertificateRecord record = certificate((i % 2 != 0 ? "web" : "db") + std::to_string(i), i);
    record.not_after = at(i % 4 < 2 ? 2000 : 3000);  // 2000 is now
    if (i % 3 == 0) record.revocation = Revocation{at(1500), 1};
    if (i % 5 == 0) record.current = false;
    all.push_back(record);
    batch.push_back(InsertCertificate{record});
  }
  ASSERT_EQ(apply(batch), kDone);
  const NameFilter web = [](std::string_view name) { return name.starts_with("web"); };
  std::vector<CertificateQuery> queries;
  for (int i = 0; i < 4 * 4 * 3 * 2; ++i) {
    CertificateQuery query;
    if (i % 4 > 0)
      query.state = std::vector{CertificateState::signed_, CertificateState::revoked,
                                CertificateState::expired}[std::size_t(i % 4 - 1)];
    if (i / 4 % 4 > 0)
      query.expires_before = at(std::vector{2000, 2001, 9000}[std::size_t(i / 4 % 4 - 1)]);
    if (i / 16 % 3 > 0) query.current = i / 16 % 3 == 1;
    if (i / 48 > 0) query.match = web;
    queries.push_back(query);
  }
  for (CertificateQuery query : queries) {
    std::vector<std::string> expected;
    for (const CertificateRecord& record : all) {
      if (query.state && state_of(record, at(2000)) != *query.state) continue;
      if (query.expires_before && record.not_after >= *query.expires_before) continue;
      if (query.current && record.current != *query.current) continue;
      if (query.match && !web(record.certname)) continue;
      expected.push_back(record.certname);
    }
    for (const std::size_t limit : {0U, 1U, 5U, 12U, 48U, 100U}) {
      query.limit = limit;
      EXPECT_EQ(names(query), expected)
          << "state " << (query.state ? to_string(*query.state) : "any") << ", limit " << limit;
    }
  }
}

TEST_P(CertificateConformance, AQueryForAnExactNameGivesItsCertificatesOldestFirst) {
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(apply({InsertCertificate{certificate("web", i), true},
                     InsertCertificate{certificate("web2", 100 + i), true}}),
              kDone);
  }
  ASSERT_EQ(revoke(2), kDone);
  CertificateQuery query{.certname = "web", .limit = 2};
  std::vector<Bytes> serials;
  do {
    const CertificatePage page = store_->certificates(query, at(2000)).value();
    for (const CertificateRecord& row : page.rows) serials.push_back(row.serial);
    query.after = page.next;
  } while (query.after != 0 && serials.size() < 100);
  EXPECT_THAT(serials, ElementsAre(serial(1), serial(2), serial(3), serial(4), serial(5)));
  query.state = CertificateState::revoked;
  EXPECT_EQ(names(query).size(), 1U);
  query.state = CertificateState::signed_;
  EXPECT_EQ(names(query).size(), 4U);
  query.current = true;
  EXPECT_EQ(names(query).size(), 1U);
}

}  // namespace
}  // namespace countersign::store
