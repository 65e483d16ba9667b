#include "store/sqlite/sqlite_store.h"

#include <sys/stat.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/writer.h"

namespace countersign::store {
namespace {

constexpr std::size_t kReaders = 8;

Error engine_error(const SqliteError& error) {
  return fail(Code::unavailable, "The store cannot be used now; see the log.", error.what());
}

// Read-only connections, lent to one thread at a time.
class Readers {
 public:
  explicit Readers(std::filesystem::path file) : file_(std::move(file)) {}

  template <class Read>
  auto use(Read read) -> Result<decltype(read(std::declval<Connection&>()))> {
    try {
      auto connection = take();
      try {
        auto value = read(*connection);
        give(std::move(connection));
        return value;
      } catch (...) {
        give(std::move(connection));
        throw;
      }
    } catch (const SqliteError& error) {
      return engine_error(error);
    }
  }

 private:
  std::unique_ptr<Connection> take() {
    {
      std::unique_lock lock(mutex_);
      returned_.wait(lock, [this] { return !free_.empty() || opened_ < kReaders; });
      if (!free_.empty()) {
        auto connection = std::move(free_.back());
        free_.pop_back();
        return connection;
      }
      ++opened_;
    }
    try {
      return std::make_unique<Connection>(file_, Connection::Mode::read_only);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      --opened_;
      throw;
    }
  }

  void give(std::unique_ptr<Connection> connection) {
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  const std::filesystem::path file_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> free_;
  std::size_t opened_ = 0;
};

std::optional<CertificateRecord> one_certificate(Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_certificate(row);
}

std::optional<RequestRecord> one_request(Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_request(row);
}

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(const std::filesystem::path& file) : file_(file), readers_(file) {}

  Result<void> open() {
    try {
      writer_ = std::make_unique<Connection>(file_, Connection::Mode::read_write);
      if (::chmod(file_.c_str(), 0600) != 0) {
        return fail(Code::unavailable, "Cannot protect " + file_.string());
      }
      writer_->execute("PRAGMA journal_mode = WAL");
      writer_->execute("PRAGMA synchronous = FULL");
      return migrate(*writer_, file_, migrations());
    } catch (const SqliteError& error) {
      writer_.reset();
      return fail(Code::unavailable,
                  "Cannot open the store " + file_.string() + ": " + error.what());
    }
  }

  Result<void> reopen() override {
    writer_.reset();
    return open();
  }

  std::vector<Result<void>> apply(std::span<const WriteBatch> batches) override {
    std::vector<Result<void>> results;
    try {
      if (!writer_) throw SqliteError(SQLITE_IOERR, "the writer is closed");
      writer_->execute("BEGIN IMMEDIATE");
      for (const WriteBatch& batch : batches) results.push_back(apply_batch(batch));
      writer_->execute("COMMIT");
    } catch (const SqliteError& error) {
      // Whatever failed, after it this connection's state is not known: nothing of the group is
      // acknowledged, and a new connection must see what the file holds.
      writer_.reset();
      results.assign(batches.size(), Result<void>(engine_error(error)));
    }
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
    return readers_.use([&](Connection& db) {
      auto row = db.prepare("SELECT " COUNTERSIGN_CERTIFICATE_COLUMNS
                            "WHERE serial = ? AND issuers.key_id = ?");
      row.bind(serial, issuer);
      return one_certificate(row);
    });
  }

  Result<std::optional<CertificateRecord>> certificate_by_serial(ByteView serial) const override {
    return readers_.use([&](Connection& db) {
      auto row = db.prepare("SELECT " COUNTERSIGN_CERTIFICATE_COLUMNS "WHERE serial = ?");
      row.bind(serial);
      return one_certificate(row);
    });
  }

  Result<std::optional<CertificateRecord>> current_certificate(
      const std::string& certname) const override {
    return readers_.use([&](Connection& db) {
      auto row = db.prepare("SELECT " COUNTERSIGN_CERTIFICATE_COLUMNS
                            "WHERE certname = ? AND current = 1");
      row.bind(certname);
      return one_certificate(row);
    });
  }

  Result<std::vector<CertificateRecord>> certificates_of(
      const std::string& certname) const override {
    return readers_.use([&](Connection& db) {
      std::vector<CertificateRecord> list;
      auto row = db.prepare("SELECT " COUNTERSIGN_CERTIFICATE_COLUMNS
                            "WHERE certname = ? ORDER BY certificates.id DESC");
      row.bind(certname);
      while (row.step()) list.push_back(read_certificate(row));
      return list;
    });
  }

  Result<CertificatePage> certificates(const CertificateQuery& query,
                                       Timestamp now) const override {
    return readers_.use([&](Connection& db) {
      CertificatePage page;
      std::int64_t last = 0;
      auto row = query.certname ? db.prepare("SELECT " COUNTERSIGN_CERTIFICATE_COLUMNS
                                             "WHERE certificates.id > ? AND certname = ? "
                                             "ORDER BY certificates.id")
                                : db.prepare("SELECT " COUNTERSIGN_CERTIFICATE_COLUMNS
                                             "WHERE certificates.id > ? ORDER BY certificates.id");
      if (query.certname) {
        row.bind(query.after, *query.certname);
      } else {
        row.bind(query.after);
      }
      while (row.step()) {
        if (query.match && !query.match(row.text(3))) continue;
        CertificateRecord record = read_certificate(row);
        if (query.state && state_of(record, now) != *query.state) continue;
        if (query.expires_before && record.not_after >= *query.expires_before) continue;
        if (query.current && record.current != *query.current) continue;
        if (page.rows.size() == query.limit) {
          page.next = last;
          break;
        }
        last = row.integer(0);
        page.rows.push_back(std::move(record));
      }
      return page;
    });
  }

  Result<std::optional<RequestRecord>> request(const std::string& id) const override {
    return readers_.use([&](Connection& db) {
      auto row = db.prepare("SELECT " COUNTERSIGN_REQUEST_COLUMNS "WHERE id = ?");
      row.bind(id);
      return one_request(row);
    });
  }

  Result<std::optional<RequestRecord>> queued_request(const std::string& certname) const override {
    return readers_.use([&](Connection& db) {
      auto row = db.prepare("SELECT " COUNTERSIGN_REQUEST_COLUMNS
                            "WHERE certname = ? AND state = 'queued'");
      row.bind(certname);
      return one_request(row);
    });
  }

  Result<std::optional<RequestRecord>> request_by_csr(ByteView csr_sha256) const override {
    return readers_.use([&](Connection& db) {
      auto row = db.prepare("SELECT " COUNTERSIGN_REQUEST_COLUMNS
                            "WHERE csr_sha256 = ? ORDER BY id DESC LIMIT 1");
      row.bind(csr_sha256);
      return one_request(row);
    });
  }

  Result<std::vector<RequestRecord>> requests_of(const std::string& certname,
                                                 std::size_t limit) const override {
    return readers_.use([&](Connection& db) {
      std::vector<RequestRecord> list;
      auto row = db.prepare("SELECT " COUNTERSIGN_REQUEST_COLUMNS
                            "WHERE certname = ? ORDER BY id DESC LIMIT ?");
      row.bind(certname, static_cast<std::int64_t>(limit));
      while (row.step()) list.push_back(read_request(row));
      return list;
    });
  }

  Result<RequestPage> requests(const RequestQuery& query) const override {
    return readers_.use([&](Connection& db) {
      RequestPage page;
      // The queue is read through its own index, however long the history is.
      const bool queued = query.state == RequestState::queued;
      auto row = queued
                     ? db.prepare("SELECT " COUNTERSIGN_REQUEST_COLUMNS
                                  "WHERE id > ? AND state = 'queued' ORDER BY id")
                     : db.prepare("SELECT " COUNTERSIGN_REQUEST_COLUMNS "WHERE id > ? ORDER BY id");
      row.bind(query.after);
      while (row.step()) {
        if (query.match && !query.match(row.text(1))) continue;
        RequestRecord record = read_request(row);
        if (query.state && record.state != *query.state) continue;
        if (page.rows.size() == query.limit) {
          page.next = page.rows.back().id;
          break;
        }
        page.rows.push_back(std::move(record));
      }
      return page;
    });
  }

  Result<std::vector<RevokedSerial>> revoked(const std::string& issuer,
                                             Timestamp now) const override {
    return readers_.use([&](Connection& db) {
      std::vector<RevokedSerial> list;
      auto row = db.prepare(
          "SELECT serial, revoked_at, revoked_reason FROM certificates "
          "WHERE issuer_id = (SELECT id FROM issuers WHERE key_id = ?) "
          "AND revoked_at IS NOT NULL AND not_after > ? ORDER BY serial");
      row.bind(issuer, now);
      while (row.step()) {
        list.push_back({row.blob(0), {row.time(1), static_cast<int>(row.integer(2))}});
      }
      return list;
    });
  }

  Result<std::optional<CrlRecord>> last_crl(const std::string& issuer) const override {
    return readers_.use([&](Connection& db) -> std::optional<CrlRecord> {
      auto row = db.prepare(
          "SELECT issuer, number, this_update, next_update, der FROM crls WHERE issuer = ? "
          "ORDER BY number DESC LIMIT 1");
      if (!row.bind(issuer).step()) return std::nullopt;
      return CrlRecord{row.text(0), static_cast<std::uint64_t>(row.integer(1)), row.time(2),
                       row.time(3), row.blob(4)};
    });
  }

  Result<std::optional<TokenRecord>> token_by_hash(ByteView hash) const override {
    return readers_.use([&](Connection& db) -> std::optional<TokenRecord> {
      auto row = db.prepare("SELECT " COUNTERSIGN_TOKEN_COLUMNS "WHERE hash = ?");
      if (!row.bind(hash).step()) return std::nullopt;
      return read_token(row);
    });
  }

  Result<std::vector<TokenRecord>> tokens() const override {
    return readers_.use([](Connection& db) {
      std::vector<TokenRecord> list;
      auto row = db.prepare("SELECT " COUNTERSIGN_TOKEN_COLUMNS "ORDER BY id");
      while (row.step()) list.push_back(read_token(row));
      return list;
    });
  }

  Result<std::vector<AuditRecord>> audit(const std::string& subject,
                                         std::size_t limit) const override {
    return readers_.use([&](Connection& db) {
      std::vector<AuditRecord> list;
      constexpr const char* kAll =
          "SELECT sequence, at, action, actor, source, subject, serial, detail, request_id "
          "FROM audit ORDER BY sequence DESC LIMIT ?";
      constexpr const char* kOne =
          "SELECT sequence, at, action, actor, source, subject, serial, detail, request_id "
          "FROM audit WHERE subject = ? ORDER BY sequence DESC LIMIT ?";
      const auto most = static_cast<std::int64_t>(limit);
      auto row = db.prepare(subject.empty() ? kAll : kOne);
      if (subject.empty()) {
        row.bind(most);
      } else {
        row.bind(subject, most);
      }
      while (row.step()) {
        list.push_back({row.integer(0), row.time(1), row.text(2), row.text(3), row.text(4),
                        row.text(5), row.text(6), row.text(7), row.text(8)});
      }
      return list;
    });
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
  Result<void> apply_batch(const WriteBatch& batch) {
    writer_->prepare("SAVEPOINT batch").run();
    for (const Mutation& mutation : batch) {
      auto done = apply_mutation(*writer_, mutation);
      if (done.has_error()) {
        writer_->prepare("ROLLBACK TO batch").run();
        writer_->prepare("RELEASE batch").run();
        return done;
      }
    }
    writer_->prepare("RELEASE batch").run();
    return {};
  }

  const std::filesystem::path file_;
  std::unique_ptr<Connection> writer_;  // the thread of apply() and reopen()
  mutable Readers readers_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& file) {
  auto store = std::make_unique<SqliteStore>(file);
  const auto opened = store->open();
  if (opened.has_error()) return opened.error();
  return Result<std::unique_ptr<Store>>(std::move(store));
}

}  // namespace countersign::store
