// What SQLite adds to the audit: rows that nobody changes, old stores, and reading beside a
// service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/sqlite/connection.h"
#include "store/sqlite/migration.h"
#include "store/sqlite/schema.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;

class SqliteAuditTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() { return open_sqlite_store(file_).value(); }

  TempFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "store.db";
};

TEST_F(SqliteAuditTest, NotEvenThisProgramCanChangeOrTakeOutARow) {
  ASSERT_EQ(
      outcome(*open(), {AppendAudit{audit_row("issue", "a")}, AppendAudit{audit_row("deny", "b")},
                        AppendAuditCheckpoint{checkpoint(2)}}),
      kDone);
  Connection connection(file_, Connection::Mode::read_write);
  for (const char* sql : {
           "UPDATE audit SET actor = 'nobody' WHERE sequence = 1",
           "UPDATE audit SET hash = x''",
           "DELETE FROM audit WHERE sequence = 2",
           "DELETE FROM audit",
           "REPLACE INTO audit SELECT * FROM audit WHERE sequence = 1",
           "INSERT INTO audit SELECT 0, at, action, actor, source, subject, serial, detail, "
           "request_id, hash, NULL, 0 FROM audit WHERE sequence = 1",
           "UPDATE audit_checkpoints SET signature = x'00'",
           "DELETE FROM audit_checkpoints",
           "REPLACE INTO audit_checkpoints SELECT * FROM audit_checkpoints",
       }) {
    try {
      connection.execute(sql);
      ADD_FAILURE() << sql;
    } catch (const SqliteError& error) {
      EXPECT_THAT(error.what(), HasSubstr("the audit is append-only")) << sql;
    }
  }
  EXPECT_EQ(open()->audit_rows({}).value().rows.size(), 2U);
}

TEST_F(SqliteAuditTest, TheFirstRowAfterAnUpgradeIsChainedOverAllThatWereThere) {
  {
    Connection connection(file_, Connection::Mode::read_write);
    ASSERT_TRUE(migrate(connection, file_, migrations().first(3)));
    for (const char* subject : {"'a'", "'b'"}) {
      connection.execute(
          std::string("INSERT INTO audit (at, action, actor, source, subject, serial, detail, "
                      "request_id) VALUES (77000, 'issue', 'operator', '192.0.2.9', ") +
          subject + ", '5100', '{\"why\":\"x\"}', 'http-1')");
    }
  }
  const auto store = open();
  ASSERT_EQ(outcome(*store, {AppendAudit{audit_row("deny", "c")}}), kDone);
  ASSERT_EQ(outcome(*store, {AppendAudit{audit_row("deny", "d")}}), kDone);
  const AuditRecord first = chained(audit_row("issue", "a"), nullptr);
  const AuditRecord second = chained(audit_row("issue", "b"), &first);
  const AuditRecord third = chained(audit_row("deny", "c"), &second);
  const auto rows = store->audit_rows({}).value().rows;
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].hash, Bytes()) << "rows that are there are not written anew";
  EXPECT_EQ(rows[1].hash, Bytes());
  EXPECT_EQ(rows[2], third);
  EXPECT_EQ(rows[3], chained(audit_row("deny", "d"), &third));
}

TEST_F(SqliteAuditTest, AStoreIsReadBesideItsService) {
  const auto service = open();
  ASSERT_EQ(outcome(*service, {AppendAudit{audit_row("issue", "a")}}), kDone);
  const auto reader = read_sqlite_store(file_).value();
  EXPECT_EQ(reader->audit_rows({}).value().rows.size(), 1U);
  ASSERT_EQ(outcome(*service, {AppendAudit{audit_row("deny", "b")}}), kDone);
  EXPECT_EQ(reader->audit_rows({}).value().rows.size(), 2U);
  EXPECT_EQ(outcome(*reader, {AppendAudit{audit_row("deny", "c")}}), Code::unavailable);
  EXPECT_EQ(service->audit_rows({}).value().rows.size(), 2U);
}

TEST_F(SqliteAuditTest, AReaderMakesNoStoreAndMigratesNone) {
  EXPECT_EQ(read_sqlite_store(file_).error().code, Code::unavailable);
  EXPECT_FALSE(std::filesystem::exists(file_));
  {
    Connection connection(file_, Connection::Mode::read_write);
    ASSERT_TRUE(migrate(connection, file_, migrations().first(1)));
  }
  const auto old = read_sqlite_store(file_);
  ASSERT_FALSE(old);
  EXPECT_THAT(old.error().detail, HasSubstr("schema version 1"));
  EXPECT_THAT(old.error().detail, HasSubstr("Start the service once"));
}

}  // namespace
}  // namespace countersign::store
