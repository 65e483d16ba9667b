#include "store/sqlite/sqlite_store.h"

#include <thread>
#include <utility>
#include <vector>

#include "store/sqlite/allowance_rows.h"
#include "store/sqlite/audit_rows.h"
#include "store/sqlite/certificate_rows.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/enrolment_token_rows.h"
#include "store/sqlite/hook_event_rows.h"
#include "store/sqlite/instance_rows.h"
#include "store/sqlite/migration.h"
#include "store/sqlite/reader_pool.h"
#include "store/sqlite/recent_certificates.h"
#include "store/sqlite/request_rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/wal_limit.h"
#include "store/sqlite/writer.h"

namespace countersign::store {
namespace {

// More than there are threads that read, so that none waits for another.
std::size_t readers() { return 8 + 2 * std::size_t{std::thread::hardware_concurrency()}; }
// Seconds of the highest rate, within a few MiB.
constexpr std::size_t kRecent = 2048;
constexpr std::uintmax_t kWalLimit = std::uintmax_t{64} << 20;

// The columns and read_token belong together.
#define SELECT_TOKEN                                                                          \
  "SELECT id, hash, role, label, scope, created_by, created_at, expires_at, revoked_at FROM " \
  "tokens "

TokenRecord read_token(const Statement& row) {
  return {.id = row.text(0),
          .hash = row.blob(1),
          .role = row.text(2),
          .label = row.text(3),
          .scope = row.text(4),
          .created_by = row.text(5),
          .created_at = row.time(6),
          .expires_at = row.optional_time(7),
          .revoked_at = row.optional_time(8)};
}

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::filesystem::path& file, Digest sha256)
      : file_(file), sha256_(sha256), wal_limit_(file, kWalLimit), readers_(file, readers()) {}

  Result<void> open() {
    try {
      if (sha256_ == nullptr) {
        anchor_ = std::make_unique<Connection>(file_, Connection::Mode::read_only);
        return check_version(*anchor_, file_);
      }
      auto writer = std::make_unique<Connection>(file_, Connection::Mode::read_write);
      const auto migrated = migrate(*writer, file_, migrations());
      if (migrated.has_error()) return migrated.error();
      // What SQLite needs to undo a statement or a savepoint; a migration may sort more than fits.
      writer->execute("PRAGMA temp_store = MEMORY");
      auto anchor = std::make_unique<Connection>(file_, Connection::Mode::read_only);
      anchor->execute("SELECT version FROM schema_version");  // the log is opened by a first read
      writer_ = std::move(writer);
      anchor_ = std::move(anchor);
      return {};
    } catch (const SqliteError& error) {
      if (error.primary() == SQLITE_NOTADB) {
        return fail(Code::unavailable, file_.string() +
                                           " is not a store of countersign. Name another file, or "
                                           "restore this one from a backup.");
      }
      if (error.primary() == SQLITE_CORRUPT) {
        return fail(Code::unavailable, "The store " + file_.string() + " is damaged (" +
                                           error.what() + "). Restore it from a backup.");
      }
      return fail(Code::unavailable,
                  "Cannot open the store " + file_.string() + ": " + error.what());
    }
  }

  Result<void> reopen() override {
    writer_.reset();
    recent_.forget();
    auto opened = open();
    readers_.refresh();
    return opened.has_error() ? opened : prove_writable();
  }

  std::vector<Result<void>> apply(std::span<const WriteBatch> batches) override {
    std::vector<Result<void>> results;
    try {
      if (!writer_) throw SqliteError(SQLITE_IOERR, "the writer is closed");
      results = commit_group(*writer_, sha256_, batches);
    } catch (const SqliteError& error) {
      // Whatever failed, after it this connection's state is not known: nothing of the group is
      // acknowledged, and a new connection must see what the file holds.
      writer_.reset();
      recent_.forget();
      results.assign(
          batches.size(),
          Result<void>(fail(Code::unavailable, "The store cannot be written now.", error.what())));
      return results;
    }
    recent_.committed(batches, results);
    wal_limit_.enforce(*writer_);
    return results;
  }

  Result<std::vector<IssuerRecord>> issuers() const override {
    return readers_.use([](Connection& db) {
      std::vector<IssuerRecord> list;
      auto row = db.prepare("SELECT key_id, name, certificate FROM issuers ORDER BY id");
      while (row.step()) list.push_back({row.text(0), row.text(1), row.blob(2)});
      return list;
    });
  }

  Result<std::optional<CertificateRecord>> certificate(const std::string& issuer,
                                                       ByteView serial) const override {
    return readers_.use([&](Connection& db) { return select_certificate(db, issuer, serial); });
  }

  Result<std::optional<CertificateRecord>> certificate_by_serial(ByteView serial) const override {
    return readers_.use([&](Connection& db) { return select_certificate_by_serial(db, serial); });
  }

  Result<std::optional<CertificateRecord>> current_certificate(
      const std::string& certname) const override {
    if (auto recent = recent_.current(certname)) return recent;
    return readers_.use([&](Connection& db) { return select_current_certificate(db, certname); });
  }

  Result<std::vector<CertificateRecord>> certificates_of(
      const std::string& certname) const override {
    return readers_.use([&](Connection& db) { return select_certificates_of(db, certname); });
  }

  Result<CertificatePage> certificates(const CertificateQuery& query,
                                       Timestamp now) const override {
    return readers_.use([&](Connection& db) { return select_certificates(db, query, now); });
  }

  Result<std::optional<RequestRecord>> request(const std::string& id) const override {
    return readers_.use([&](Connection& db) { return select_request(db, id); });
  }

  Result<std::optional<RequestRecord>> queued_request(const std::string& certname) const override {
    return readers_.use([&](Connection& db) { return select_queued_request(db, certname); });
  }

  Result<bool> knows(const std::string& certname) const override {
    return readers_.use([&](Connection& db) { return is_name_known(db, certname); });
  }

  Result<std::optional<RequestRecord>> request_by_csr(const std::string& certname,
                                                      ByteView csr) const override {
    return readers_.use([&](Connection& db) { return select_request_by_csr(db, certname, csr); });
  }

  Result<std::vector<RequestRecord>> requests_of(const std::string& certname,
                                                 std::size_t limit) const override {
    return readers_.use([&](Connection& db) { return select_requests_of(db, certname, limit); });
  }

  Result<RequestPage> requests(const RequestQuery& query) const override {
    return readers_.use([&](Connection& db) { return select_requests(db, query); });
  }

  Result<std::vector<RequestRecord>> stale_requests(Timestamp before,
                                                    std::size_t limit) const override {
    return readers_.use([&](Connection& db) { return select_stale_requests(db, before, limit); });
  }

  Result<std::vector<RevokedSerial>> revoked(const std::string& issuer,
                                             Timestamp now) const override {
    return readers_.use([&](Connection& db) { return select_revoked(db, issuer, now); });
  }

  Result<std::vector<RevocationRecord>> revocations(const std::string& issuer, std::int64_t after,
                                                    std::size_t limit) const override {
    return readers_.use(
        [&](Connection& db) { return select_revocations(db, issuer, after, limit); });
  }

  Result<std::optional<CrlRecord>> last_crl(const std::string& issuer) const override {
    return readers_.use([&](Connection& db) -> std::optional<CrlRecord> {
      auto row = db.prepare(
          "SELECT issuer, number, this_update, next_update, der, signature, through, "
          "dropped_through, dropped_before FROM crls WHERE issuer = ? ORDER BY number DESC LIMIT "
          "1");
      if (!row.bind(issuer).step()) return std::nullopt;
      return CrlRecord{row.text(0),    static_cast<std::uint64_t>(row.integer(1)),
                       row.time(2),    row.time(3),
                       row.blob(4),    row.blob(5),
                       row.integer(6), row.integer(7),
                       row.time(8)};
    });
  }

  Result<std::optional<TokenRecord>> token_by_hash(ByteView hash) const override {
    return readers_.use([&](Connection& db) -> std::optional<TokenRecord> {
      auto row = db.prepare(SELECT_TOKEN "WHERE hash = ?");
      if (!row.bind(hash).step()) return std::nullopt;
      return read_token(row);
    });
  }

  Result<std::optional<TokenRecord>> token(const std::string& id) const override {
    return readers_.use([&](Connection& db) -> std::optional<TokenRecord> {
      auto row = db.prepare(SELECT_TOKEN "WHERE id = ?");
      if (!row.bind(id).step()) return std::nullopt;
      return read_token(row);
    });
  }

  Result<std::vector<TokenRecord>> tokens() const override {
    return readers_.use([](Connection& db) {
      std::vector<TokenRecord> list;
      auto row = db.prepare(SELECT_TOKEN "ORDER BY id");
      while (row.step()) list.push_back(read_token(row));
      return list;
    });
  }

  Result<std::optional<EnrolmentTokenRecord>> enrolment_token(
      const std::string& id) const override {
    return readers_.use([&](Connection& db) { return select_enrolment_token(db, id); });
  }

  Result<std::optional<EnrolmentTokenRecord>> enrolment_token_by_hash(
      ByteView hash) const override {
    return readers_.use([&](Connection& db) { return select_enrolment_token_by_hash(db, hash); });
  }

  Result<EnrolmentTokenPage> enrolment_tokens(const EnrolmentTokenQuery& query) const override {
    return readers_.use([&](Connection& db) { return select_enrolment_tokens(db, query); });
  }

  Result<std::optional<InstanceRecord>> instance(const std::string& kind,
                                                 const std::string& subject) const override {
    return readers_.use([&](Connection& db) { return select_instance(db, kind, subject); });
  }

  Result<Allowance> allowance(const std::string& key) const override {
    return readers_.use([&](Connection& db) { return select_allowance(db, key); });
  }

  Result<std::vector<HookEventRecord>> due_hook_events(const std::string& hook, Timestamp now,
                                                       std::size_t limit) const override {
    return readers_.use([&](Connection& db) { return select_due_events(db, hook, now, limit); });
  }

  Result<std::vector<HookTally>> hook_tallies() const override {
    return readers_.use([](Connection& db) { return select_hook_tallies(db); });
  }

  Result<std::vector<AuditRecord>> audit(const std::string& subject,
                                         std::size_t limit) const override {
    AuditQuery query{.newest_first = true, .limit = limit};
    if (!subject.empty()) query.subject = subject;
    auto page = audit_rows(query);
    if (page.has_error()) return page.error();
    return std::move(page->rows);
  }

  Result<AuditPage> audit_rows(const AuditQuery& query) const override {
    return readers_.use([&](Connection& db) { return select_audit_rows(db, query); });
  }

  Result<std::vector<AuditCheckpoint>> audit_checkpoints(std::int64_t after,
                                                         std::size_t limit) const override {
    return readers_.use([&](Connection& db) { return select_audit_checkpoints(db, after, limit); });
  }

  Result<std::optional<AuditCheckpoint>> last_audit_checkpoint() const override {
    return readers_.use([](Connection& db) { return select_last_audit_checkpoint(db); });
  }

  Result<std::optional<Document>> document(const std::string& space,
                                           const std::string& key) const override {
    return readers_.use([&](Connection& db) -> std::optional<Document> {
      auto row = db.prepare("SELECT value, version FROM documents WHERE space = ? AND key = ?");
      if (!row.bind(space, key).step()) return std::nullopt;
      return Document{row.text(0), row.integer(1)};
    });
  }

  Result<Counts> counts() const override {
    return readers_.use([](Connection& db) {
      Counts counts;
      auto row = db.prepare("SELECT name, value FROM counters");
      while (row.step()) {
        const std::string name = row.text(0);
        if (name == "queued") counts.queued = row.integer(1);
        if (name == "certificates") counts.certificates = row.integer(1);
        if (name == "revoked") counts.revoked = row.integer(1);
      }
      return counts;
    });
  }

 private:
  // A full disk lets a store be opened: healthy is only who has made something durable.
  Result<void> prove_writable() {
    if (sha256_ == nullptr) return {};
    try {
      // Twice, for SQLite sees that a row is as it was, writes no page, and commits nothing.
      writer_->execute(
          "BEGIN IMMEDIATE; UPDATE schema_version SET version = -version; "
          "UPDATE schema_version SET version = -version; COMMIT");
      return {};
    } catch (const SqliteError& error) {
      writer_.reset();
      return fail(Code::unavailable, "The store cannot be written now.", error.what());
    }
  }

  const std::filesystem::path file_;
  const Digest sha256_;  // null: opened to be read
  // With wal_limit_, of the thread of apply() and reopen(). The last connection to be closed, as
  // only one that writes can empty the log into the database.
  std::unique_ptr<Connection> writer_;
  // Of no use but to be open. Who opens a log that nobody has open recovers from it whatever was
  // written, and a commit whose sync failed would come back as if it were durable.
  std::unique_ptr<Connection> anchor_;
  WalLimit wal_limit_;
  RecentCertificates recent_{kRecent};
  mutable ReaderPool readers_;
};

Result<std::unique_ptr<Store>> opened(std::unique_ptr<SqliteStore> store) {
  const auto done = store->open();
  if (done.has_error()) return done.error();
  return Result<std::unique_ptr<Store>>(std::move(store));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& file, Digest sha256) {
  return opened(std::make_unique<SqliteStore>(file, sha256));
}

Result<std::unique_ptr<Store>> read_sqlite_store(const std::filesystem::path& file) {
  return opened(std::make_unique<SqliteStore>(file, nullptr));
}

}  // namespace countersign::store
