// Two processes with one file: no lock is lost, no row is doubled, and who dies leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <thread>

#include "store/sqlite/connection.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

// Another process, made before this one opens a database: SQLite's locks do not survive a fork.
// The two pass words of one byte.
class OtherProcess {
 public:
  explicit OtherProcess(const std::function<void(OtherProcess&)>& work) {
    int down[2], up[2];
    if (::pipe(down) != 0 || ::pipe(up) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    const bool child = pid_ == 0;
    read_ = child ? down[0] : up[0];
    write_ = child ? up[1] : down[1];
    ::close(child ? down[1] : down[0]);
    ::close(child ? up[0] : up[1]);
    if (!child) return;
    work(*this);
    ::_exit(0);
  }
  ~OtherProcess() {
    if (!ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(read_);
    ::close(write_);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  void say(char word) { static_cast<void>(::write(write_, &word, 1) == 1); }
  // What the other one said; '-' if it ended, or said nothing for a minute.
  char hear() {
    ::pollfd waiting{read_, POLLIN, 0};
    char word = '-';
    if (::poll(&waiting, 1, 60000) != 1 || ::read(read_, &word, 1) != 1) return '-';
    return word;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ended_ = true;
  }

 private:
  pid_t pid_ = -1;
  int read_ = -1;
  int write_ = -1;
  bool ended_ = false;
};

class SqliteProcessTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "store.db";
};

TEST_F(SqliteProcessTest, TheRowsAndTheRulesOfOneHoldInTheOther) {
  OtherProcess other([&](OtherProcess& first) {
    first.hear();
    const auto store = open_sqlite_store(file_).value();
    const bool sees = store->current_certificate("web").value() == certificate("web", 1);
    const bool refused =
        outcome(*store, {InsertCertificate{certificate("web", 2)}}) == Code::certificate_exists;
    const bool lower = outcome(*store, {InsertCrl{crl(5)}}) == Code::conflict;
    const bool wrote = outcome(*store, {AppendAudit{audit_row("deny", "web")}}) == kDone;
    first.say(sees && refused && lower && wrote ? 'y' : 'n');
    first.hear();
  });
  const auto store = open_sqlite_store(file_).value();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer()}, InsertCertificate{certificate("web", 1)},
                             InsertCrl{crl(5)}, AppendAudit{audit_row("issue", "web")}}),
            kDone);
  other.say('g');
  ASSERT_EQ(other.hear(), 'y');
  EXPECT_EQ(store->audit("", 10).value().size(), 2U);
  ASSERT_EQ(outcome(*store, {AppendAudit{audit_row("revoke", "web")}}), kDone);
  EXPECT_EQ(store->audit("", 1).value().front().sequence, 3) << "numbers are not given twice";
}

TEST_F(SqliteProcessTest, AWriteWaitsForTheTransactionOfTheOther) {
  OtherProcess other([&](OtherProcess& first) {
    first.hear();
    Connection connection(file_, Connection::Mode::read_write);
    connection.execute("BEGIN IMMEDIATE");
    connection.execute("INSERT INTO issuers (key_id, name, certificate) VALUES ('X', 'X', x'00')");
    first.say('h');
    first.hear();
    connection.execute("COMMIT");
    first.say('d');
  });
  const auto store = open_sqlite_store(file_).value();
  other.say('g');
  ASSERT_EQ(other.hear(), 'h');
  EXPECT_TRUE(store->issuers().value().empty()) << "readers neither wait nor see it";
  std::optional<Code> written = Code::internal;
  std::thread writer([&] { written = outcome(*store, {InsertIssuer{issuer()}}); });
  other.say('c');
  writer.join();
  EXPECT_EQ(written, kDone);
  EXPECT_EQ(store->issuers().value().size(), 2U);
}

TEST_F(SqliteProcessTest, WhoIsKilledInATransactionLeavesNothingOfItAndNoLock) {
  OtherProcess other([&](OtherProcess& first) {
    first.hear();
    const auto store = open_sqlite_store(file_).value();
    const bool wrote = outcome(*store, {InsertIssuer{issuer("KEPT")}}) == kDone;
    Connection connection(file_, Connection::Mode::read_write);
    connection.execute("BEGIN IMMEDIATE");
    connection.execute("INSERT INTO issuers (key_id, name, certificate) VALUES ('X', 'X', x'00')");
    first.say(wrote ? 'h' : 'n');
    first.hear();
  });
  const auto store = open_sqlite_store(file_).value();
  other.say('g');
  ASSERT_EQ(other.hear(), 'h');
  other.kill();
  ASSERT_EQ(outcome(*store, {InsertIssuer{issuer("OURS")}}), kDone);
  EXPECT_EQ(store->issuers().value(), (std::vector{issuer("KEPT"), issuer("OURS")}));
}

TEST_F(SqliteProcessTest, WhatWasAcknowledgedOutlivesAKilledWriter) {
  OtherProcess other([&](OtherProcess& first) {
    first.hear();
    const auto store = open_sqlite_store(file_).value();
    static_cast<void>(outcome(*store, {InsertIssuer{issuer()}}));
    for (int i = 0; i < 5; ++i) {
      const auto name = "host" + std::to_string(i);
      if (outcome(*store, {InsertCertificate{certificate(name, i)}}) == kDone) first.say('c');
    }
    first.hear();
  });
  other.say('g');
  for (int i = 0; i < 5; ++i) ASSERT_EQ(other.hear(), 'c');
  other.kill();
  const auto store = open_sqlite_store(file_).value();
  for (int i = 0; i < 5; ++i) {
    const auto name = "host" + std::to_string(i);
    EXPECT_EQ(store->current_certificate(name).value(), certificate(name, i));
  }
  EXPECT_EQ(store->counts().value().certificates, 5);
}

TEST_F(SqliteProcessTest, TwoThatMakeTheStoreAtOnceBothGetIt) {
  constexpr int kTries = 20;  // for the moments in which they can meet to differ
  const auto file = [&](int i) { return folder_.path() / (std::to_string(i) + ".db"); };
  OtherProcess other([&](OtherProcess& first) {
    for (int i = 0; i < kTries; ++i) {
      first.hear();
      const auto store = open_sqlite_store(file(i));
      if (!store) std::cerr << store.error().detail << std::endl;
      first.say(store ? 'y' : 'n');
    }
    first.hear();
  });
  for (int i = 0; i < kTries; ++i) {
    other.say('g');
    const auto store = open_sqlite_store(file(i));
    EXPECT_TRUE(store) << store.error().detail;
    EXPECT_EQ(other.hear(), 'y');
  }
}

}  // namespace
}  // namespace countersign::store
