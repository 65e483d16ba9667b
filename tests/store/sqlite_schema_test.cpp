// Migrations forward, with a backup made first.
#include "store/sqlite/migration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecond = "CREATE TABLE second (n INTEGER); INSERT INTO second VALUES (2)";
constexpr const char* kThird = "ALTER TABLE second ADD COLUMN third TEXT";
constexpr const char* kBroken = "CREATE TABLE half (n INTEGER); INSERT INTO nowhere VALUES (1)";

class SqliteSchemaTest : public ::testing::Test {
 protected:
  // The steps of the program and then these.
  Result<void> migrate_with(std::vector<const char*> more) {
    std::vector<const char*> steps(migrations().begin(), migrations().end());
    steps.insert(steps.end(), more.begin(), more.end());
    Connection connection(file_, Connection::Mode::read_write);
    return migrate(connection, file_, steps);
  }

  static std::string ask(const std::filesystem::path& file, const char* sql) {
    Connection connection(file, Connection::Mode::read_only);
    auto row = connection.prepare(sql);
    return row.step() ? row.text(0) : "nothing";
  }
  std::string version() const { return ask(file_, "SELECT version FROM schema_version"); }
  std::filesystem::path backup(std::size_t number) const {
    return file_.string() + ".v" + std::to_string(number) + ".backup";
  }

  TempFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "store.db";
  const std::size_t released_ = migrations().size();
};

TEST_F(SqliteSchemaTest, ANewFileGetsTheNewestSchemaAndNoBackup) {
  ASSERT_TRUE(migrate_with({kSecond, kThird}));
  EXPECT_EQ(version(), std::to_string(released_ + 2));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr("backup")));
  }
}

TEST_F(SqliteSchemaTest, RevocationsAndTheCrlOfVersion8AreCarriedOver) {
  {
    Connection connection(file_, Connection::Mode::read_write);
    ASSERT_TRUE(migrate(connection, file_, migrations().first(8)));
    connection.execute(R"sql(
      INSERT INTO issuers (key_id, name, certificate) VALUES ('CA1', 'CA', x'01');
      INSERT INTO certificates (issuer_id, serial, certname, der, not_before, not_after, profile,
        rule, request_id, key, names, issued_at, current, revoked_at, revoked_reason) VALUES
        (1, x'01', 'a', x'', 0, 900, '', '', '', '', '', 0, 0, 70, 1),
        (1, x'02', 'b', x'', 0, 800, '', '', '', '', '', 0, 0, NULL, NULL),
        (1, x'03', 'c', x'', 0, 700, '', '', '', '', '', 0, 0, 60, 4);
      INSERT INTO crls (issuer, number, this_update, next_update, der)
        VALUES ('CA1', 41, 80, 90, x'3000');
    )sql");
  }
  const auto store = open_sqlite_store(file_).value();
  const auto rows = store->revocations("CA1", 0, 10).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].serial, Bytes{3}) << "in the order of revocation";
  EXPECT_EQ(rows[1].serial, Bytes{1});
  EXPECT_EQ(rows[0].revocation.reason, 4);
  const auto crl = store->last_crl("CA1").value().value();
  EXPECT_EQ(crl.number, 41U);
  EXPECT_EQ(crl.der, (Bytes{0x30, 0}));
  EXPECT_TRUE(crl.signature.empty());
}

TEST_F(SqliteSchemaTest, AnOlderFileIsBackedUpBeforeItIsMigratedForward) {
  ASSERT_EQ(outcome(*open_sqlite_store(file_).value(), {InsertIssuer{issuer()}}), kDone);
  ASSERT_TRUE(migrate_with({kSecond, kThird}));
  EXPECT_EQ(version(), std::to_string(released_ + 2));
  EXPECT_EQ(ask(file_, "SELECT n FROM second WHERE third IS NULL"), "2");
  EXPECT_EQ(ask(file_, "SELECT key_id FROM issuers"), "CA1");

  struct stat status {};
  ASSERT_EQ(::stat(backup(released_).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto restored = open_sqlite_store(backup(released_));
  ASSERT_TRUE(restored) << "the program of before opens it";
  EXPECT_EQ((*restored)->issuers().value(), std::vector{issuer()});
  EXPECT_FALSE(std::filesystem::exists(backup(released_ + 1))) << "one a start is enough";
}

TEST_F(SqliteSchemaTest, MigratingTwiceIsNothing) {
  ASSERT_TRUE(migrate_with({kSecond}));
  ASSERT_TRUE(migrate_with({kSecond}));
  EXPECT_EQ(version(), std::to_string(released_ + 1));
  EXPECT_FALSE(std::filesystem::exists(backup(released_ + 1)));
}

// Dying between two steps, or inside one, leaves the last whole step; the next start goes on.
TEST_F(SqliteSchemaTest, AMigrationThatEndsHalfwayIsTakenUpAtTheLastWholeStep) {
  ASSERT_TRUE(migrate_with({}));
  EXPECT_THROW(static_cast<void>(migrate_with({kSecond, kBroken})), SqliteError);
  EXPECT_EQ(version(), std::to_string(released_ + 1));
  EXPECT_EQ(ask(file_, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'half'"), "0");
  ASSERT_TRUE(migrate_with({kSecond, kThird}));
  EXPECT_EQ(version(), std::to_string(released_ + 2));
  EXPECT_EQ(ask(backup(released_), "SELECT version FROM schema_version"),
            std::to_string(released_));
  EXPECT_EQ(ask(backup(released_ + 1), "SELECT version FROM schema_version"),
            std::to_string(released_ + 1));
}

TEST_F(SqliteSchemaTest, WhatIsLeftOfABackupThatWasCutShortIsReplaced) {
  ASSERT_TRUE(migrate_with({}));
  std::ofstream(backup(released_).string() + ".partial") << "cut short";
  std::ofstream(backup(released_)) << "of an earlier try";
  ASSERT_TRUE(migrate_with({kSecond}));
  EXPECT_EQ(ask(backup(released_), "SELECT version FROM schema_version"),
            std::to_string(released_));
  EXPECT_FALSE(std::filesystem::exists(backup(released_).string() + ".partial"));
}

TEST_F(SqliteSchemaTest, NoMigrationWithoutABackup) {
  ASSERT_TRUE(migrate_with({}));
  std::filesystem::create_directories(backup(released_) / "in the way");
  EXPECT_THROW(static_cast<void>(migrate_with({kSecond})), SqliteError);
  EXPECT_EQ(version(), std::to_string(released_));
}

TEST_F(SqliteSchemaTest, ANewerFileIsRefusedWithWhatToDo) {
  ASSERT_TRUE(migrate_with({kSecond, kThird}));
  const auto store = open_sqlite_store(file_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::unavailable);
  EXPECT_THAT(
      store.error().detail,
      AllOf(HasSubstr(file_.string()), HasSubstr("schema version " + std::to_string(released_ + 2)),
            HasSubstr("Start the newer program, or restore the backup")));
  EXPECT_EQ(version(), std::to_string(released_ + 2)) << "and left as it is";
}

}  // namespace
}  // namespace countersign::store
