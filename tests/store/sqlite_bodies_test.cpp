// How rows lie in the file: compressed, few indices, and old rows beside new ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/sqlite/migration.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The request by which the certificate came.
RequestRecord signed_request(const CertificateRecord& certificate) {
  RequestRecord row = request(certificate.request_id, certificate.certname);
  row.state = RequestState::signed_;
  row.issuer = certificate.issuer;
  row.serial = certificate.serial;
  row.decided_at = row.created_at;
  row.decided_by = "policy";
  return row;
}

class SqliteBodiesTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() { return open_sqlite_store(file_).value(); }
  // As the service enrols: certificate, request and audit row in a batch.
  static WriteBatch enrolment(const std::string& name, int number) {
    const CertificateRecord one = certificate(name, number);
    return {InsertCertificate{one, true}, InsertRequest{signed_request(one)},
            AppendAudit{audit_row("issue", name)}};
  }
  std::string ask(const char* sql) {
    Connection db(file_, Connection::Mode::read_only);
    auto row = db.prepare(sql);
    return row.step() ? row.text(0) : "nothing";
  }
  void execute(const std::string& sql) {
    Connection(file_, Connection::Mode::read_write).execute(sql);
  }

  TempFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "store.db";
};

TEST_F(SqliteBodiesTest, AnEnrolmentIsFoundByItsCertificateWhateverBecomesOfThat) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  ASSERT_EQ(outcome(*store, enrolment("web", 1)), kDone);
  EXPECT_EQ(ask("SELECT COUNT(*) FROM requests WHERE certificate IS NULL"), "0");
  EXPECT_EQ(ask("SELECT COUNT(*) FROM audit WHERE by_certificate = 0"), "0");
  const auto check = [&](const char* when) {
    const RequestRecord expected = signed_request(certificate("web", 1));
    EXPECT_EQ(store->request("R1").value(), expected) << when;
    EXPECT_EQ(store->requests({.match = [](std::string_view name) { return name == "web"; }})
                  .value()
                  .rows.front(),
              expected)
        << when;
    EXPECT_EQ(store->request_by_csr("web", expected.csr).value(), expected) << when;
    EXPECT_EQ(store->requests_of("web", 5).value().back(), expected) << when;
    EXPECT_EQ(store->audit("web", 9).value().back().action, "issue") << when;
    EXPECT_EQ(store->certificate("CA1", serial(1)).value()->der, certificate("web", 1).der) << when;
  };
  check("issued");
  ASSERT_EQ(outcome(*store, {RevokeCertificate{"CA1", serial(1), {at(1500), 1}},
                             AppendAudit{audit_row("revoke", "web")}}),
            kDone);
  check("revoked");
  ASSERT_EQ(outcome(*store, enrolment("web", 2)), kDone);
  check("replaced");
  ASSERT_EQ(outcome(*store, {ReleaseName{"web"}, AppendAudit{audit_row("clean", "web")}}), kDone);
  check("cleaned");
  std::vector<std::string> actions;
  for (const AuditRecord& row : store->audit("web", 9).value()) actions.push_back(row.action);
  EXPECT_THAT(actions, ElementsAre("clean", "issue", "revoke", "issue"));
  AuditQuery query{.subject = "web", .action = "issue", .limit = 1};
  AuditPage page = store->audit_rows(query).value();
  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_EQ(page.rows.front().sequence, 1);
  query.after = page.next;
  page = store->audit_rows(query).value();
  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_EQ(page.rows.front().sequence, 3);
  EXPECT_EQ(page.next, 0);
}

TEST_F(SqliteBodiesTest, WhatDoesNotBelongTogetherIsKeptApart) {
  const auto store = open();
  const CertificateRecord one = certificate("web", 1);
  RequestRecord other = signed_request(one);
  other.serial = serial(9);  // of no certificate here
  RequestRecord renamed = signed_request(certificate("db", 2));
  renamed.certname = "not db";
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}, InsertCertificate{one}, InsertRequest{other},
                             InsertCertificate{certificate("db", 2)}, InsertRequest{renamed},
                             AppendAudit{audit_row("issue", "somebody else")}}),
            kDone);
  EXPECT_EQ(store->request("R1").value(), other);
  EXPECT_EQ(store->request("R2").value(), renamed);
  EXPECT_THAT(store->requests_of("web", 5).value(), ElementsAre(other));
  EXPECT_EQ(store->audit("somebody else", 5).value().size(), 1U);
  EXPECT_TRUE(store->audit("web", 5).value().empty());
}

TEST_F(SqliteBodiesTest, ABatchThatIsTakenBackLeavesNoBodyWithoutItsDictionary) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  for (int i = 0; i < 200; ++i) {
    const std::string name = "host" + std::to_string(i);
    WriteBatch taken_back = enrolment(name, 1000 + i);
    taken_back.push_back(RevokeToken{"nobody's", at(1)});
    std::vector<WriteBatch> group = {taken_back, enrolment(name, i)};
    const auto results = store->apply(group);
    ASSERT_TRUE(results.at(0).has_error());
    ASSERT_TRUE(results.at(1).has_value());
  }
  EXPECT_NE(ask("SELECT COUNT(*) FROM dictionaries"), "0");
  EXPECT_NE(ask("SELECT COUNT(*) FROM certificates WHERE substr(body, 1, 1) <> x'00'"), "0");
  const auto reopened = open();
  for (int i = 0; i < 200; ++i) {
    CertificateRecord expected = certificate("host" + std::to_string(i), i);
    ASSERT_EQ(reopened->certificate("CA1", serial(i)).value(), expected);
    ASSERT_EQ(reopened->request("R" + std::to_string(i)).value(), signed_request(expected));
  }
  ASSERT_EQ(outcome(*reopened, enrolment("late", 500)), kDone);
  EXPECT_EQ(ask("SELECT MAX(id) FROM dictionaries"), ask("SELECT COUNT(*) FROM dictionaries"));
  EXPECT_EQ(open()->current_certificate("late").value()->der, certificate("late", 500).der);
}

TEST_F(SqliteBodiesTest, ADamagedBodyIsToldAndOtherRowsAreReadOn) {
  auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  for (int i = 1; i < 20; ++i) {
    ASSERT_EQ(outcome(*store, enrolment("host" + std::to_string(i), i)), kDone);
  }
  for (const char* damage :
       {"UPDATE certificates SET body = substr(body, 1, length(body) - 1) WHERE certname = 'host9'",
        "UPDATE certificates SET body = x'' WHERE certname = 'host9'",
        "UPDATE certificates SET body = x'0001' WHERE certname = 'host9'",
        "UPDATE certificates SET body = 'a text' WHERE certname = 'host9'",
        "UPDATE certificates SET body = x'7e00' WHERE certname = 'host9'"}) {
    store = open();  // of what it committed itself it knows without the file
    execute(damage);
    EXPECT_EQ(store->current_certificate("host9").error().code, Code::unavailable) << damage;
    EXPECT_EQ(store->request("R9").error().code, Code::unavailable) << damage;
    EXPECT_TRUE(store->current_certificate("host8").value()) << damage;
    EXPECT_EQ(outcome(*store, enrolment("host9", 100)), kDone) << "and the name can be replaced";
    execute("DELETE FROM certificates WHERE serial = x'510064'");
    execute("DELETE FROM requests WHERE id = 'R100'");
    execute("UPDATE certificates SET current = 1 WHERE certname = 'host9'");
  }
  EXPECT_THROW(execute("DELETE FROM dictionaries"), SqliteError);
  EXPECT_THROW(execute("UPDATE dictionaries SET bytes = x''"), SqliteError);
  execute("DROP TRIGGER dictionaries_delete; DELETE FROM dictionaries");
  EXPECT_EQ(open()->certificates({}, at(2000)).error().code, Code::unavailable);
}

// Rows of a file of version 8, which has no bodies, and what the program makes of them.
TEST_F(SqliteBodiesTest, RowsFromBeforeTheBodiesStayReadableBesideNewOnes) {
  {
    Connection db(file_, Connection::Mode::read_write);
    ASSERT_TRUE(migrate(db, file_, migrations().first(8)));
    db.execute(R"sql(
      INSERT INTO issuers (key_id, name, certificate) VALUES ('CA1', 'CA CA1',
        'certificate of CA1');
      INSERT INTO certificates (issuer_id, serial, certname, der, not_before, not_after, profile,
        rule, request_id, key, names, issued_at, current, revoked_at, revoked_reason) VALUES
        (1, x'510001', 'web', x'300001', 1000000, 5000000, 'agent', 'web tier', 'R1', 'ec:P-256',
         'DNS:web', 1001000, 0, 1500000, 1),
        (1, x'510002', 'web', x'300002', 1000000, 5000000, 'agent', 'web tier', 'R2', 'ec:P-256',
         'DNS:web', 1001000, 1, NULL, NULL);
      INSERT INTO requests (id, certname, csr, csr_sha256, state, rule, reason, trace, permitted,
        profile, source, caller, key, names, token, identity, reuse, retry_at, created_at,
        decided_at, decided_by, issuer, serial)
        SELECT 'R' || n, 'web', CAST('csr R' || n AS BLOB), x'00', state, 'rule', 'no rule matched',
          '[]', '{"dns":[]}', 'agent', '192.0.2.1', 'anonymous', 'rsa:2048', 'DNS:web', 'E-R' || n,
          '{"provider":"aws"}', 'replace', 950000, 900000, decided, by, issuer, serial
        FROM (SELECT 2 AS n, 'signed' AS state, 900000 AS decided, 'policy' AS by,
                     'CA1' AS issuer, x'510002' AS serial
              UNION ALL SELECT 3, 'queued', NULL, '', '', x'');
      INSERT INTO audit (sequence, at, action, actor, source, subject, serial, detail, request_id,
        hash) VALUES (1, 77000, 'issue', 'operator', '192.0.2.9', 'web', '5100', '{"why":"x"}',
        'http-1', x'01');
    )sql");
  }
  const auto store = open();
  EXPECT_TRUE(std::filesystem::exists(file_.string() + ".v8.backup"));
  CertificateRecord former = certificate("web", 1);
  former.current = false;
  former.revocation = {at(1500), 1};
  EXPECT_THAT(store->certificates_of("web").value(), ElementsAre(certificate("web", 2), former));
  EXPECT_EQ(store->certificates({.certname = "web"}, at(2000)).value().rows.size(), 2U);
  EXPECT_EQ(store->request("R2").value(), signed_request(certificate("web", 2)));
  EXPECT_EQ(store->queued_request("web").value(), request("R3", "web"));
  EXPECT_EQ(store->request_by_csr("web", request("R2", "").csr).value()->id, "R2");
  EXPECT_EQ(store->audit("web", 5).value().size(), 1U);

  ASSERT_EQ(outcome(*store, enrolment("web", 4)), kDone);
  ASSERT_EQ(outcome(*store, enrolment("db", 5)), kDone);
  std::vector<std::string> ids;
  for (const RequestRecord& row : store->requests_of("web", 9).value()) ids.push_back(row.id);
  EXPECT_THAT(ids, ElementsAre("R4", "R3", "R2"));
  ids.clear();
  for (const RequestRecord& row : store->requests({}).value().rows) ids.push_back(row.id);
  EXPECT_THAT(ids, ElementsAre("R2", "R3", "R4", "R5"));
  ids.clear();
  for (const RequestRecord& row : store->requests({.state = RequestState::signed_}).value().rows) {
    ids.push_back(row.id);
  }
  EXPECT_THAT(ids, ElementsAre("R2", "R4", "R5"));
  EXPECT_EQ(store->certificates_of("web").value().size(), 3U);
  EXPECT_EQ(store->audit("web", 5).value().size(), 2U);
  ASSERT_EQ(outcome(*store, {DecideRequest{"R3", RequestState::denied, "no", "ops", at(950)}}),
            kDone);
  EXPECT_EQ(store->requests({.state = RequestState::denied}).value().rows.front().csr,
            request("R3", "").csr);
}

// Of two that were enrolled, both current: the constraint of the table says no, whoever asks.
TEST_F(SqliteBodiesTest, TheTablesThemselvesRefuseASecondOfWhatIsUnique) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  ASSERT_EQ(outcome(*store, enrolment("web", 1)), kDone);
  ASSERT_EQ(outcome(*store, {InsertRequest{request("Q1", "web")}}), kDone);
  for (const char* twice :
       {"INSERT INTO certificates (issuer_id, serial, certname, der, not_before, not_after, "
        "profile, "
        "rule, request_id, key, names, issued_at, current) SELECT issuer_id, x'77', certname, der, "
        "not_before, not_after, profile, rule, request_id, key, names, issued_at, current FROM "
        "certificates",
        "INSERT INTO certificates (issuer_id, serial, certname, der, not_before, not_after, "
        "profile, "
        "rule, request_id, key, names, issued_at, current) SELECT issuer_id, serial, 'db', der, "
        "not_before, not_after, profile, rule, request_id, key, names, issued_at, current FROM "
        "certificates",
        "UPDATE requests SET id = 'Q1' WHERE id = 'R1'",
        "INSERT INTO requests SELECT 'Q2', certname, csr, csr_sha256, state, rule, reason, trace, "
        "permitted, profile, source, caller, key, names, created_at, decided_at, decided_by, "
        "issuer, serial, token, reuse, retry_at, approvals, identity, certificate, body FROM "
        "requests WHERE id = 'Q1'"}) {
    try {
      execute(twice);
      ADD_FAILURE() << twice;
    } catch (const SqliteError& error) {
      EXPECT_EQ(error.primary(), SQLITE_CONSTRAINT) << error.what();
    }
  }
}

}  // namespace
}  // namespace countersign::store
