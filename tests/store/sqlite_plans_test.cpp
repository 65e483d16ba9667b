// Which way SQLite goes for each read: by the index that was made for it, and nowhere over a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The text of every statement of every connection that is opened while it lives.
class Statements {
 public:
  Statements() { ::sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch)); }
  ~Statements() { ::sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(watch)); }
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  std::set<std::string> take() { return std::exchange(texts_, {}); }

 private:
  static int watch(::sqlite3* db, char**, const void*) {
    return ::sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note, nullptr);
  }
  static int note(unsigned, void*, void* statement, void*) {
    texts_.insert(::sqlite3_sql(static_cast<::sqlite3_stmt*>(statement)));
    return 0;
  }
  static inline std::set<std::string> texts_;
};

class SqlitePlansTest : public ::testing::Test {
 protected:
  // The plans of all that the read, or write, asks for.
  std::string plans(const std::function<void()>& work) {
    work();  // the first one opens a connection
    statements_.take();
    work();
    std::string text;
    Connection db(file_, Connection::Mode::read_only);
    for (const std::string& sql : statements_.take()) {
      if (sql.starts_with("SAVEPOINT") || sql.starts_with("--")) continue;
      kept_.push_back("EXPLAIN QUERY PLAN " + sql);
      auto row = db.prepare(kept_.back().c_str());
      while (row.step()) text += row.text(3) + "\n";
    }
    return text;
  }

  TempFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "store.db";
  Statements statements_;
  std::list<std::string> kept_;  // the addresses of prepare()
  std::unique_ptr<Store> store_ = open_sqlite_store(file_).value();
};

TEST_F(SqlitePlansTest, EveryReadGoesByTheIndexThatIsMeantForIt) {
  CertificateRecord one = certificate("web", 1);
  RequestRecord asked = request("R1", "web");
  asked.state = RequestState::signed_;
  asked.issuer = one.issuer;
  asked.serial = one.serial;
  ASSERT_EQ(outcome(*store_,
                    {InsertIssuer{issuer()}, InsertCertificate{one}, InsertRequest{asked},
                     AppendAudit{audit_row("issue", "web")}, InsertRequest{request("R2", "web")}}),
            kDone);
  const Store& store = *store_;
  const NameFilter nothing = [](std::string_view) { return false; };
  const auto certificates = [&](CertificateQuery query) {
    return [&, query] { static_cast<void>(store.certificates(query, at(2000))); };
  };
  const auto requests = [&](RequestQuery query) {
    return [&, query] { static_cast<void>(store.requests(query)); };
  };
  const auto audit = [&](AuditQuery query) {
    return [&, query] { static_cast<void>(store.audit_rows(query)); };
  };
  using State = CertificateState;
  const char* const by_id = "SEARCH certificates USING INTEGER PRIMARY KEY (rowid>?)";
  const struct {
    const char* what;
    std::function<void()> read;
    std::vector<const char*> by;
  } cases[] = {
      {"serial",
       [&] { static_cast<void>(store.certificate("CA1", serial(1))); },
       {"certificates USING INDEX certificates_serial (serial=?"}},
      {"serial alone",
       [&] { static_cast<void>(store.certificate_by_serial(serial(1))); },
       {"certificates USING INDEX certificates_serial (serial=?"}},
      {"current",
       [&] { static_cast<void>(store.current_certificate("other")); },
       {"certificates USING INDEX certificates_current (certname=?"}},
      {"of a name",
       [&] { static_cast<void>(store.certificates_of("web")); },
       {"certificates_current (certname=?", "certificates_former (certname=?",
        "SEARCH certificates USING INTEGER PRIMARY KEY (rowid=?)"}},
      {"list", certificates({}), {by_id}},
      {"list by pattern", certificates({.match = nothing}), {by_id}},
      {"list of signed", certificates({.state = State::signed_}), {by_id}},
      {"list of expired", certificates({.state = State::expired}), {by_id}},
      {"list of what expires", certificates({.expires_before = at(1)}), {by_id}},
      {"list of revoked", certificates({.state = State::revoked}), {"certificates_revoked"}},
      {"list of a name",
       certificates({.certname = "web"}),
       {"certificates_current (certname=?", "certificates_former (certname=?"}},
      {"request",
       [&] { static_cast<void>(store.request("R1")); },
       {"requests USING PRIMARY KEY (id=?)", "certificates USING INTEGER PRIMARY KEY (rowid=?)"}},
      {"queued request",
       [&] { static_cast<void>(store.queued_request("web")); },
       {"requests USING INDEX requests_queued (certname=?)"}},
      {"same CSR",
       [&] { static_cast<void>(store.request_by_csr("web", Bytes{1})); },
       {"requests USING INDEX requests_certname (certname=?)", "certificates_current"}},
      {"history", requests({}), {"requests USING PRIMARY KEY (id>?)"}},
      {"history, newest first",
       requests({.order = RequestOrder::newest_first}),
       {"requests USING PRIMARY KEY (id<?)"}},
      {"signed", requests({.state = RequestState::signed_}), {"requests USING PRIMARY KEY (id>?)"}},
      {"denied", requests({.state = RequestState::denied}), {"requests_undone (state=? AND id>?)"}},
      {"queue",
       requests({.state = RequestState::queued}),
       {"requests USING COVERING INDEX queue_arrival (id>?)"}},
      {"history of a name",
       requests({.certname = "web"}),
       {"requests USING INDEX requests_certname (certname=?)", "certificates_current (certname=?",
        "certificates_former (certname=?"}},
      {"queue by name",
       requests({.order = RequestOrder::certname}),
       {"queue_certname (certname>?)"}},
      {"stale", [&] { static_cast<void>(store.stale_requests(at(1), 9)); }, {"queue_age"}},
      {"for a CRL", [&] { static_cast<void>(store.revoked("CA1", at(1))); }, {}},
      {"audit", audit({}), {"audit USING INTEGER PRIMARY KEY (rowid>?)"}},
      {"audit of a subject",
       audit({.subject = "web"}),
       {"audit_subject (subject=? AND sequence>?)", "certificates_current (certname=?",
        "certificates_former (certname=?", "audit USING INTEGER PRIMARY KEY (rowid=?)"}},
      {"newest audit of a subject",
       audit({.subject = "web", .newest_first = true}),
       {"audit_subject (subject=?", "certificates_current (certname=?"}},
      {"token",
       [&] { static_cast<void>(store.enrolment_token_by_hash(Bytes{1})); },
       {"enrolment_tokens USING INDEX sqlite_autoindex_enrolment_tokens_2 (hash=?)"}},
  };
  for (const auto& one_case : cases) {
    const std::string plan = plans(one_case.read);
    EXPECT_FALSE(plan.empty()) << one_case.what;
    EXPECT_THAT(plan, AllOf(Not(HasSubstr("SCAN certificates")), Not(HasSubstr("SCAN requests")),
                            Not(HasSubstr("SCAN audit")), Not(HasSubstr("AUTOMATIC"))))
        << one_case.what;
    for (const char* way : one_case.by) EXPECT_THAT(plan, HasSubstr(way)) << one_case.what;
  }
}

// So that a sort of the whole never stands before a first row.
TEST_F(SqlitePlansTest, NoPageOfTheWholeIsSorted) {
  const std::string plan = plans([&] {
    static_cast<void>(store_->certificates({}, at(1)));
    static_cast<void>(store_->certificates({.state = CertificateState::revoked}, at(1)));
    static_cast<void>(store_->requests({}));
    static_cast<void>(store_->requests({.state = RequestState::denied}));
    static_cast<void>(store_->requests({.state = RequestState::queued}));
    static_cast<void>(store_->audit_rows({}));
    static_cast<void>(store_->audit_rows({.newest_first = true}));
  });
  EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << plan;
}

}  // namespace
}  // namespace countersign::store
