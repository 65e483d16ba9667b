// What a read costs does not grow with the history: counted in SQLite's own steps, not in time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <string>
#include <utility>

#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

// Counts the steps of every statement of every connection that is opened while it lives.
class StepCounter {
 public:
  StepCounter() { ::sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch)); }
  ~StepCounter() { ::sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(watch)); }
  StepCounter(const StepCounter&) = delete;
  StepCounter& operator=(const StepCounter&) = delete;

  // Of what was run since the last call.
  int take() { return std::exchange(steps_, 0); }

 private:
  static int watch(::sqlite3* db, char**, const void*) {
    return ::sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, count, nullptr);
  }
  static int count(unsigned, void*, void* statement, void*) {
    steps_ += ::sqlite3_stmt_status(static_cast<::sqlite3_stmt*>(statement),
                                    SQLITE_STMTSTATUS_VM_STEP, 1);
    return 0;
  }
  static inline int steps_ = 0;
};

class SqliteCostTest : public ::testing::Test {
 protected:
  static constexpr int kHistory = 4000;  // rows; to visit one takes several steps

  // A long history of requests and certificates, and little that is alive.
  void fill() {
    WriteBatch batch = {InsertIssuer{issuer()}};
    for (int i = 0; i < kHistory; ++i) {
      const std::string name = "host" + std::to_string(i);
      RequestRecord signed_one = request("R" + std::to_string(10000 + i), name);
      signed_one.state = RequestState::signed_;
      batch.push_back(InsertRequest{signed_one});
      batch.push_back(InsertCertificate{certificate(name, i)});
      batch.push_back(AppendAudit{audit_row("issue", name)});
    }
    batch.push_back(InsertRequest{request("R5", "first")});
    batch.push_back(InsertRequest{request("R99999", "last")});
    batch.push_back(RevokeCertificate{"CA1", serial(3), {at(1500), 1}});
    batch.push_back(RevokeCertificate{"CA1", serial(kHistory - 2), {at(1500), 1}});
    ASSERT_EQ(outcome(*store_, batch), kDone);
  }

  TempFolder folder_;
  StepCounter counter_;
  std::unique_ptr<Store> store_ = open_sqlite_store(folder_.path() / "store.db").value();
};

TEST_F(SqliteCostTest, NoLookUpAndNoShortListVisitsTheHistory) {
  fill();
  Store& store = *store_;
  const struct {
    const char* what;
    std::function<std::size_t()> read;  // how many rows came
    std::size_t rows;
  } cases[] = {
      {"serial", [&] { return store.certificate("CA1", serial(7)).value() ? 1U : 0U; }, 1},
      {"serial alone", [&] { return store.certificate_by_serial(serial(7)).value() ? 1U : 0U; }, 1},
      {"current", [&] { return store.current_certificate("host7").value() ? 1U : 0U; }, 1},
      {"of a name", [&] { return store.certificates_of("host7").value().size(); }, 1},
      {"list of a name",
       [&] { return store.certificates({.certname = "host7"}, at(2000)).value().rows.size(); }, 1},
      {"revoked list",
       [&] {
         return store.certificates({.state = CertificateState::revoked}, at(2000))
             .value()
             .rows.size();
       },
       2},
      {"last page",
       [&] { return store.certificates({.after = kHistory - 2}, at(2000)).value().rows.size(); },
       2},
      {"request", [&] { return store.request("R10007").value() ? 1U : 0U; }, 1},
      {"queued", [&] { return store.queued_request("last").value() ? 1U : 0U; }, 1},
      {"same CSR",
       [&] { return store.request_by_csr("host7", request("R10007", "").csr).value() ? 1U : 0U; },
       1},
      {"requests of a name", [&] { return store.requests_of("host7", 10).value().size(); }, 1},
      {"queue", [&] { return store.requests({.state = RequestState::queued}).value().rows.size(); },
       2},
      {"queue by name",
       [&] {
         return store
             .requests(
                 {.state = RequestState::queued, .rule = "rule", .order = RequestOrder::certname})
             .value()
             .rows.size();
       },
       2},
      {"queue, newest first",
       [&] {
         return store.requests({.state = RequestState::queued, .order = RequestOrder::newest_first})
             .value()
             .rows.size();
       },
       2},
      {"stale", [&] { return store.stale_requests(at(901), 100).value().size(); }, 2},
      {"denied",
       [&] { return store.requests({.state = RequestState::denied}).value().rows.size(); }, 0},
      {"for a CRL", [&] { return store.revoked("CA1", at(2000)).value().size(); }, 2},
      {"audit", [&] { return store.audit("host7", 10).value().size(); }, 1},
      {"newest audit", [&] { return store.audit("", 2).value().size(); }, 2},
      {"counts", [&] { return store.counts().value().queued == 2 ? 1U : 0U; }, 1},
  };
  for (const auto& one : cases) {
    static_cast<void>(one.read());  // the first one opens a connection and reads the schema
    counter_.take();
    EXPECT_EQ(one.read(), one.rows) << one.what;
    const int steps = counter_.take();
    EXPECT_GT(steps, 0) << one.what << ": it was not counted";
    EXPECT_LT(steps, kHistory / 10) << one.what;
  }
}

TEST_F(SqliteCostTest, AWriteCostsTheSameHoweverLongTheHistoryIs) {
  const auto cost = [&](int number) {
    counter_.take();
    EXPECT_EQ(outcome(*store_, {InsertRequest{request("X" + std::to_string(number), "new")},
                                DecideRequest{"X" + std::to_string(number), RequestState::signed_,
                                              "", "", at(1), "CA1", serial(number)},
                                InsertCertificate{certificate("new", number), true},
                                RevokeCertificate{"CA1", serial(number), {at(1500), 1}},
                                AppendAudit{audit_row("issue", "new")}}),
              kDone);
    return counter_.take();
  };
  ASSERT_EQ(outcome(*store_, {InsertIssuer{issuer()}}), kDone);
  static_cast<void>(cost(20000));
  const int before = cost(20001);
  fill();
  EXPECT_GT(before, 0);
  EXPECT_LE(cost(20002), before + before / 4);
}

}  // namespace
}  // namespace countersign::store
