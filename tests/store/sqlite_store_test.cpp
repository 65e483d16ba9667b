// What the SQLite engine promises beyond the conformance suite: the file, its failures, its bounds.
#include "store/sqlite/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <thread>

#include "store/sqlite/connection.h"
#include "store/sqlite/reader_pool.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/wal_limit.h"
#include "tests/store/failing_disk.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() { return open_sqlite_store(file_).value(); }
  std::string refusal() {
    const auto store = open_sqlite_store(file_);
    if (store) return "opened";
    EXPECT_EQ(store.error().code, Code::unavailable);
    return store.error().detail;
  }
  static WriteBatch issue(const std::string& certname, int number) {
    return {InsertCertificate{certificate(certname, number)},
            AppendAudit{audit_row("issue", certname)}};
  }

  FailingDisk disk_;
  TempFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "countersign.db";
};

TEST_F(SqliteStoreTest, ReopeningTheFileFindsEverything) {
  {
    const auto store = open();
    ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}, InsertRequest{request("A1", "waits")},
                               InsertCrl{crl(9)}, InsertToken{token("T1")},
                               PutDocument{"acme", "key", "value", 0}}),
              kDone);
    ASSERT_EQ(outcome(*store, issue("web", 1)), kDone);
  }
  EXPECT_FALSE(std::filesystem::exists(file_.string() + "-wal")) << "all is in the one file";
  const auto store = open();
  EXPECT_EQ(store->current_certificate("web").value(), certificate("web", 1));
  EXPECT_EQ(store->queued_request("waits").value(), request("A1", "waits"));
  EXPECT_EQ(store->last_crl("CA1").value(), crl(9));
  EXPECT_EQ(store->token_by_hash(token("T1").hash).value(), token("T1"));
  EXPECT_EQ(store->document("acme", "key").value()->value, "value");
  EXPECT_EQ(store->counts().value().certificates, 1);
  EXPECT_EQ(outcome(*store, {InsertCrl{crl(9)}}), Code::conflict) << "numbers rise across starts";
  ASSERT_EQ(outcome(*store, {AppendAudit{audit_row("deny", "web")}}), kDone);
  EXPECT_EQ(store->audit("", 1).value().front().sequence, 2);
}

TEST_F(SqliteStoreTest, TheWriterHasTheWriteAheadLogAndFullSyncInForce) {
  Connection writer(file_, Connection::Mode::read_write);
  const auto pragma = [&](const char* sql) {
    auto row = writer.prepare(sql);
    return row.step() ? row.text(0) : "";
  };
  EXPECT_EQ(pragma("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(pragma("PRAGMA synchronous"), "2");
  EXPECT_EQ(pragma("PRAGMA foreign_keys"), "1");
}

TEST_F(SqliteStoreTest, EachGroupIsSyncedOnceBeforeItIsAcknowledged) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  for (int group = 0; group < 3; ++group) {
    const int before = disk_.log_syncs.load();
    const std::vector<WriteBatch> batches = {issue("a" + std::to_string(group), 10 * group),
                                             issue("b" + std::to_string(group), 10 * group + 1)};
    for (const auto& result : store->apply(batches)) EXPECT_TRUE(result);
    EXPECT_EQ(disk_.log_syncs.load() - before, 1);
  }
}

TEST_F(SqliteStoreTest, OnlyTheOwnerMayReadTheFiles) {
  std::ofstream(file_).close();
  ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 3) << "database, log and its index";
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  std::ofstream(file_) << text;
  EXPECT_THAT(refusal(), HasSubstr(file_.string() + " is not a store of countersign"));
  std::ifstream stream(file_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), text);
}

TEST_F(SqliteStoreTest, ADatabaseOfAnotherProgramIsRefused) {
  Connection(file_, Connection::Mode::read_write).execute("CREATE TABLE songs (title TEXT)");
  EXPECT_THAT(refusal(), HasSubstr("another program"));
}

TEST_F(SqliteStoreTest, ADamagedFileIsRefusedWithWhatToDo) {
  open();
  const auto size = std::filesystem::file_size(file_);
  std::fstream(file_, std::ios::in | std::ios::out | std::ios::binary).seekp(4096)
      << std::string(size - 4096, 'Z');
  EXPECT_THAT(refusal(), AllOf(HasSubstr(file_.string() + " is damaged"), HasSubstr("backup")));
}

TEST_F(SqliteStoreTest, AFolderThatIsNotThereIsNamed) {
  const auto store = open_sqlite_store(folder_.path() / "none" / "store.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::unavailable);
  EXPECT_THAT(store.error().detail, HasSubstr("none/store.db"));
}

// Both ways a commit can fail: nothing of the group is acknowledged, nothing more is written until
// the store was reopened, and what was acknowledged before is there.
TEST_F(SqliteStoreTest, AfterACommitThatFailedNothingIsWrittenUntilReopened) {
  for (std::atomic<bool>* fault : {&disk_.full, &disk_.fails_to_sync}) {
    const std::string name = fault == &disk_.full ? "full" : "sync";
    const int number = fault == &disk_.full ? 100 : 200;
    const auto store = open();
    ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
    ASSERT_EQ(outcome(*store, issue(name + "-before", number)), kDone);
    *fault = true;
    const std::vector<WriteBatch> group = {
        issue(name + "-a", number + 1), {ReleaseName{"nobody"}}, issue(name + "-b", number + 2)};
    const auto results = store->apply(group);
    ASSERT_EQ(results.size(), 3U);
    for (const auto& result : results) {
      ASSERT_FALSE(result) << name;
      EXPECT_EQ(result.error().code, Code::unavailable) << "the bad batch too: it is not known";
    }
    *fault = false;
    EXPECT_EQ(outcome(*store, issue(name + "-c", number + 3)), Code::unavailable);
    EXPECT_FALSE(store->current_certificate(name + "-a").value());
    EXPECT_EQ(store->current_certificate(name + "-before").value(),
              certificate(name + "-before", number))
        << "reads go on";
    ASSERT_TRUE(store->reopen());
    EXPECT_EQ(outcome(*store, issue(name + "-c", number + 3)), kDone);
    EXPECT_FALSE(store->current_certificate(name + "-a").value());
    EXPECT_TRUE(store->current_certificate(name + "-before").value());
    const auto audit = store->audit("", 10).value();
    EXPECT_EQ(audit.front().subject, name + "-c");
    EXPECT_EQ(audit[1].subject, name + "-before");
  }
}

TEST_F(SqliteStoreTest, AReopenTakesAWriteThatIsDurable) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  for (std::atomic<bool>* fault : {&disk_.full, &disk_.fails_to_sync}) {
    *fault = true;
    EXPECT_EQ(outcome(*store, issue("web", 1)), Code::unavailable);
    EXPECT_FALSE(store->reopen()) << "it lasts";
    EXPECT_FALSE(store->reopen());
    EXPECT_FALSE(store->current_certificate("web").value()) << "reads go on";
    *fault = false;
    EXPECT_TRUE(store->reopen());
  }
  EXPECT_EQ(outcome(*store, issue("web", 1)), kDone);
}

TEST_F(SqliteStoreTest, AReopenThatFailsKeepsTheStoreReadOnly) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}}), kDone);
  const std::string version = "UPDATE schema_version SET version = ";
  Connection(file_, Connection::Mode::read_write).execute(version + "99");
  EXPECT_FALSE(store->reopen());
  EXPECT_EQ(outcome(*store, issue("web", 1)), Code::unavailable);
  Connection(file_, Connection::Mode::read_write)
      .execute(version + std::to_string(migrations().size()));
  EXPECT_TRUE(store->reopen());
  EXPECT_EQ(outcome(*store, issue("web", 1)), kDone);
}

TEST_F(SqliteStoreTest, ReopeningFollowsAFileThatWasReplaced) {
  const auto store = open();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer("OLD")}}), kDone);
  ASSERT_EQ(store->issuers().value().size(), 1U);
  const auto other = folder_.path() / "other.db";
  {
    const auto restored = open_sqlite_store(other).value();
    ASSERT_EQ(outcome(*restored, {InsertIssuer{issuer("NEW")}}), kDone);
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file_.string() + suffix);
  std::filesystem::rename(other, file_);
  ASSERT_TRUE(store->reopen());
  EXPECT_EQ(store->issuers().value().front(), issuer("NEW"))
      << "not through a connection of before";
}

TEST_F(SqliteStoreTest, AStatementThatIsInUseIsNotSharedButRefused) {
  Connection db(file_, Connection::Mode::read_write);
  db.execute("CREATE TABLE t (n INTEGER)");
  db.execute("INSERT INTO t VALUES (1), (2)");
  constexpr const char* kSql = "SELECT n FROM t";
  {
    auto row = db.prepare(kSql);
    ASSERT_TRUE(row.step());
    EXPECT_THROW(db.prepare(kSql), SqliteError);
    ASSERT_TRUE(row.step()) << "the first user does not notice";
    EXPECT_EQ(row.integer(0), 2);
  }
  EXPECT_TRUE(db.prepare(kSql).step());
}

TEST_F(SqliteStoreTest, MoreReadersThanConnectionsWaitForTheirTurn) {
  Connection(file_, Connection::Mode::read_write).execute("CREATE TABLE t (n INTEGER)");
  constexpr int kLimit = 3;
  ReaderPool pool(file_, kLimit);
  std::atomic<int> reading{0}, most{0};
  std::latch all_lent(kLimit);
  std::vector<std::thread> threads;
  std::atomic<int> done{0}, arrived{0};
  for (int i = 0; i < 3 * kLimit; ++i) {
    threads.emplace_back([&] {
      const auto result = pool.use([&](Connection&) {
        const int now = ++reading;
        for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        if (arrived++ < kLimit) all_lent.arrive_and_wait();
        --reading;
        return true;
      });
      done += result && *result ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), 3 * kLimit);
  EXPECT_EQ(most.load(), kLimit);
}

TEST_F(SqliteStoreTest, AReadThatFailsOrThrowsDoesNotUseUpAPlace) {
  Connection(file_, Connection::Mode::read_write).execute("CREATE TABLE t (n INTEGER)");
  ReaderPool pool(file_, 1);
  for (int i = 0; i < 3; ++i) {
    const auto failed = pool.use([](Connection& db) {
      db.execute("SELECT nothing FROM nowhere");
      return true;
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::unavailable);
    EXPECT_THROW(static_cast<void>(pool.use([](Connection&) -> bool { throw 1; })), int);
  }
  EXPECT_TRUE(pool.use([](Connection&) { return true; }));
  const auto written = pool.use([](Connection& db) {
    db.execute("INSERT INTO t VALUES (1)");
    return true;
  });
  EXPECT_FALSE(written) << "readers cannot write";
}

TEST_F(SqliteStoreTest, TheLogIsHeldDownWhenReadersNeverPause) {
  constexpr std::uintmax_t kLimit = 200 * 1024;
  Connection writer(file_, Connection::Mode::read_write);
  writer.execute("CREATE TABLE t (n INTEGER, filler BLOB)");
  WalLimit limit(file_, kLimit);
  const auto size = [&] { return std::filesystem::file_size(file_.string() + "-wal"); };
  const auto grow = [&] {
    writer.execute("INSERT INTO t VALUES (1, zeroblob(100000))");
    limit.enforce(writer);
  };
  Connection reader(file_, Connection::Mode::read_only);
  {
    auto row = reader.prepare("SELECT n FROM t");
    grow();
    ASSERT_TRUE(row.step());  // from here on the log cannot be emptied
    while (size() < 2 * kLimit) grow();
  }
  for (int i = 0; i < 3; ++i) grow();
  EXPECT_LT(size(), kLimit) << "emptied soon after the reader was done";
  Connection late(file_, Connection::Mode::read_only);
  auto count = late.prepare("SELECT COUNT(*) FROM t");
  ASSERT_TRUE(count.step());
  EXPECT_GE(count.integer(0), 7) << "and nothing went with it";
}

}  // namespace
}  // namespace countersign::store
