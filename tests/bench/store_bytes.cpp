// What a certificate costs in the store, in bytes and in pages
// (docs/decisions/0017-store-bytes.md).
//
// store_bytes TEMPLATE OUT COUNT [sequential|random] [v8]
// store_bytes read FILE
//
// Takes an enrolment (certificate, request, audit row) of the store TEMPLATE, of a service that has
// enrolled a machine, and writes COUNT like it to OUT: other names of the same length, keys,
// signatures, serials and ids. Prints the file's bytes by table, the bytes of the log and the pages
// that the last enrolments wrote. With v8 the rows are written as the schema of version 8 had them.
// The second form prints how long reads of such a file take, and revocations, which it makes.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>

#include "base/clock.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/migration.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/certificate.h"
#include "x509/csr.h"
#include "x509/digest.h"

namespace countersign::store {
namespace {

using std::chrono::steady_clock;

struct Enrolment {
  IssuerRecord issuer;
  CertificateRecord certificate;
  RequestRecord request;
  AuditRecord audit;
};

Enrolment read_template(const std::filesystem::path& file) {
  const auto store = read_sqlite_store(file).value();
  for (const auto& row : store->requests({.limit = 1000}).value().rows) {
    if (row.state != RequestState::signed_) continue;
    Enrolment e;
    e.request = row;
    e.certificate = store->certificate(row.issuer, row.serial).value().value();
    for (const auto& issuer : store->issuers().value()) {
      if (issuer.id == row.issuer) e.issuer = issuer;
    }
    for (const auto& audit : store->audit(row.certname, 10).value()) {
      if (audit.action == "issue") e.audit = audit;
    }
    return e;
  }
  throw std::runtime_error("the template has no signed request");
}

class Maker {
 public:
  Maker(Enrolment pattern, bool random_names)
      : pattern_(std::move(pattern)), random_names_(random_names) {
    const auto csr = x509::Csr::parse(pattern_.request.csr).value();
    const ByteView spki = csr->public_key().spki();
    key_ = spki.size() < 120 ? to_bytes(spki.last(64))
                             : to_bytes(spki.subspan(spki.size() - 261, 256));
  }

  Enrolment next() {
    Enrolment e = pattern_;
    const std::int64_t n = ++made_;
    // In no order, and none twice: the factor has no divisor in common with a power of ten.
    std::string digits = std::to_string(random_names_ ? n * 618033989 % 1000000000 : n);
    const std::string& old = pattern_.certificate.certname;
    const std::size_t head = old.find('.');
    std::string name = old;
    digits.insert(0, head > digits.size() ? head - digits.size() - 1 : 0, '0');
    name.replace(1, head - 1, digits.substr(digits.size() - (head - 1)));
    name_(e, old, name);
    const Bytes serial = random_(e.certificate.serial.size());
    patch(e.certificate.der, pattern_.certificate.serial, serial);
    const std::string old_hex = to_hex(pattern_.certificate.serial);
    replace(e.audit.serial, old_hex, to_hex(serial));
    e.certificate.serial = e.request.serial = serial;
    const Bytes key = random_(key_.size());
    patch(e.certificate.der, key_, key);
    patch(e.request.csr, key_, key);
    key_identifier(e.certificate.der);
    signature(e.certificate.der);
    signature(e.request.csr);
    const std::chrono::milliseconds later(n * 3 + static_cast<std::int64_t>(noise_() % 3));
    e.certificate.issued_at += later;
    e.certificate.not_before += std::chrono::floor<std::chrono::seconds>(later);
    e.certificate.not_after += std::chrono::floor<std::chrono::seconds>(later);
    e.request.created_at += later;
    if (e.request.decided_at) *e.request.decided_at += later;
    e.audit.at += later;
    e.request.id = e.certificate.request_id = id(e.request.created_at);
    if (!e.audit.request_id.empty()) {
      e.audit.request_id = to_hex(random_(20)).substr(0, e.audit.request_id.size());
    }
    e.request.source = "10." + std::to_string(noise_() % 256) + "." +
                       std::to_string(noise_() % 256) + "." + std::to_string(noise_() % 256);
    e.audit.source = e.request.source;
    return e;
  }

 private:
  Bytes random_(std::size_t size) {
    Bytes out(size);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(noise_());
    if (!out.empty()) out[0] = static_cast<std::uint8_t>((out[0] & 0x7f) | 0x40);
    return out;
  }
  static void patch(Bytes& in, const Bytes& old, const Bytes& fresh) {
    for (auto at = in.begin(); at != in.end();) {
      at = std::search(at, in.end(), old.begin(), old.end());
      if (at != in.end()) at = std::copy(fresh.begin(), fresh.end(), at);
    }
  }
  static void replace(std::string& in, const std::string& old, const std::string& fresh) {
    for (std::size_t at = 0; (at = in.find(old, at)) != std::string::npos; at += fresh.size()) {
      in.replace(at, old.size(), fresh);
    }
  }
  static void name_(Enrolment& e, const std::string& old, const std::string& name) {
    patch(e.certificate.der, to_bytes(as_bytes(old)), to_bytes(as_bytes(name)));
    patch(e.request.csr, to_bytes(as_bytes(old)), to_bytes(as_bytes(name)));
    for (std::string* text :
         {&e.certificate.certname, &e.certificate.names, &e.request.certname, &e.request.names,
          &e.request.trace, &e.request.reason, &e.audit.subject, &e.audit.detail}) {
      replace(*text, old, name);
    }
  }
  void key_identifier(Bytes& der) {
    const Bytes oid = {0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14};
    const auto at = std::search(der.begin(), der.end(), oid.begin(), oid.end());
    if (at != der.end()) std::ranges::copy(random_(20), at + 9);
  }
  void signature(Bytes& der) {
    const std::size_t size = der.size() > 1000                      ? 512
                             : der.size() > 500 && key_.size() > 64 ? 256
                                                                    : 0;
    if (size > 0) {
      std::ranges::copy(random_(size), der.end() - static_cast<std::ptrdiff_t>(size));
      return;
    }
    std::ranges::copy(random_(32), der.end() - 32);
    std::ranges::copy(random_(31), der.end() - 66);
  }
  std::string id(Timestamp at) {
    static constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string text(26, '0');
    auto time = static_cast<std::uint64_t>(at.time_since_epoch().count());
    for (std::size_t i = 10; i-- > 0; time >>= 5) text[i] = kAlphabet[time & 31];
    for (std::size_t i = 10; i < 26; ++i) text[i] = kAlphabet[noise_() & 31];
    return text;
  }

  const Enrolment pattern_;
  const bool random_names_;
  Bytes key_;
  std::int64_t made_ = 0;
  std::mt19937_64 noise_{42};
};

WriteBatch batch_of(const Enrolment& e) {
  return {InsertCertificate{e.certificate}, InsertRequest{e.request}, AppendAudit{e.audit}};
}

// The file of a group of batches, as version 8 had it.
class OldStore {
 public:
  explicit OldStore(const std::filesystem::path& file) : db_(file, Connection::Mode::read_write) {
    const auto made = migrate(db_, file, migrations().first(8));
    if (made.has_error()) throw std::runtime_error(made.error().detail);
  }
  void issuer(const IssuerRecord& i) {
    db_.prepare("INSERT INTO issuers (key_id, name, certificate) VALUES (?, ?, ?)")
        .bind(i.id, i.name, i.certificate)
        .run();
  }
  void begin() { db_.execute("BEGIN IMMEDIATE"); }
  void commit() { db_.execute("COMMIT"); }
  void add(const Enrolment& e) {
    const CertificateRecord& c = e.certificate;
    db_.prepare(
           "INSERT INTO certificates (issuer_id, serial, certname, der, not_before, not_after, "
           "profile, rule, request_id, key, names, issued_at, current) "
           "VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)")
        .bind(c.serial, c.certname, c.der, c.not_before, c.not_after, c.profile, c.rule,
              c.request_id, c.key, c.names, c.issued_at)
        .run();
    const RequestRecord& r = e.request;
    const Bytes sha = x509::sha256(r.csr);
    const std::string state = "signed";
    db_.prepare(
           "INSERT INTO requests (id, certname, csr, csr_sha256, state, rule, reason, trace, "
           "permitted, profile, source, caller, key, names, token, identity, created_at, "
           "decided_at, decided_by, issuer, serial, reuse, retry_at, approvals) "
           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(r.id, r.certname, r.csr, sha, state, r.rule, r.reason, r.trace, r.grant, r.profile,
              r.source, r.caller, r.key, r.names, r.token, r.identity, r.created_at, r.decided_at,
              r.decided_by, r.issuer, r.serial, r.reuse, r.retry_at, r.approvals_needed)
        .run();
    AuditRecord a = e.audit;
    a.sequence = ++sequence_;
    last_ = chain_hash(x509::sha256, last_.empty() ? chain_start() : last_, a);
    db_.prepare(
           "INSERT INTO audit (sequence, at, action, actor, source, subject, serial, detail, "
           "request_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(a.sequence, a.at, a.action, a.actor, a.source, a.subject, a.serial, a.detail,
              a.request_id, last_)
        .run();
  }

 private:
  Connection db_;
  std::int64_t sequence_ = 0;
  Bytes last_;
};

void tables(const std::filesystem::path& file, std::int64_t count) {
  Connection db(file, Connection::Mode::read_write);
  db.truncate_wal(std::chrono::seconds(1));
  auto row = db.prepare(
      "SELECT name, SUM(pgsize), SUM(payload), COUNT(*) FROM dbstat GROUP BY name ORDER BY 2 DESC");
  double all = 0;
  while (row.step()) {
    const double each = static_cast<double>(row.integer(1)) / static_cast<double>(count);
    all += each;
    if (each < 0.05) continue;
    std::printf("%-28s %8.1f bytes, payload %8.1f\n", row.text(0).c_str(), each,
                static_cast<double>(row.integer(2)) / static_cast<double>(count));
  }
  std::printf("%-28s %8.1f bytes a certificate\n", "all", all);
}

double seconds(steady_clock::time_point since) {
  return std::chrono::duration<double>(steady_clock::now() - since).count();
}

// Of `count` calls the middle one and the 99th in a hundred.
template <class Call>
void timed(const std::string& what, int count, Call call) {
  std::vector<double> each;
  for (int i = 0; i < count; ++i) {
    const auto start = steady_clock::now();
    call(i);
    each.push_back(seconds(start) * 1000);
  }
  std::ranges::sort(each);
  std::printf("%-46s p50 %8.3f ms, p99 %8.3f ms\n", what.c_str(), each[each.size() / 2],
              each[each.size() * 99 / 100]);
}

int read(const std::filesystem::path& file) {
  const auto store = open_sqlite_store(file, x509::sha256).value();
  const Timestamp now = system_clock().now();
  const auto last = store->counts().value().certificates;
  std::mt19937_64 noise{7};
  const auto somewhere = [&] {
    return static_cast<std::int64_t>(noise() % static_cast<std::uint64_t>(last - 1));
  };
  std::vector<CertificateRecord> some;
  for (int i = 0; i < 2000; ++i) {
    auto page = store->certificates({.after = somewhere(), .limit = 1}, now).value();
    if (!page.rows.empty()) some.push_back(std::move(page.rows.front()));
  }
  const auto one = [&](int i) -> const CertificateRecord& {
    return some[static_cast<std::size_t>(i) % some.size()];
  };
  timed("certificate by serial", 2000,
        [&](int i) { store->certificate_by_serial(one(i).serial).value(); });
  timed("certificate by name", 2000,
        [&](int i) { store->current_certificate(one(i).certname).value(); });
  timed("request by id", 2000, [&](int i) { store->request(one(i).request_id).value(); });
  timed("same CSR", 2000,
        [&](int i) { store->request_by_csr(one(i).certname, one(i).serial).value(); });
  timed("audit of a name", 2000, [&](int i) { store->audit(one(i).certname, 100).value(); });
  const NameFilter none = [](std::string_view name) { return name.find("none") < name.size(); };
  for (const bool all : {true, false}) {
    const NameFilter match = all ? NameFilter() : none;
    const std::string suffix = all ? "" : ", no name matches";
    const auto page = [&](const std::string& what, CertificateQuery query) {
      query.match = match;
      timed(what + suffix, 100, [&](int) {
        query.after = query.state == CertificateState::revoked ? 0 : somewhere();
        store->certificates(query, now).value();
      });
    };
    page("100 certificates", {});
    page("1000 certificates", {.limit = 1000});
    page("100 signed", {.state = CertificateState::signed_});
    page("100 expired", {.state = CertificateState::expired});
    page("100 revoked", {.state = CertificateState::revoked});
    page("100 that expire", {.expires_before = now});
    RequestQuery query{.state = RequestState::signed_, .match = match};
    timed("100 signed requests" + suffix, 100, [&](int i) {
      query.after = one(i).request_id;
      store->requests(query).value();
    });
  }
  RequestQuery unknown{.rule = "none"};
  timed("100 requests by a rule that none has", 100, [&](int i) {
    unknown.after = one(i).request_id;
    store->requests(unknown).value();
  });
  timed("100 audit rows by an actor that none has", 100,
        [&](int) { store->audit_rows({.actor = "none", .after = somewhere()}).value(); });
  timed("revoke", 500, [&](int i) {
    const WriteBatch batch = {RevokeCertificate{one(i).issuer, one(i).serial, {now, 1}}};
    static_cast<void>(store->apply({&batch, 1}));
  });
  return 0;
}

constexpr std::int64_t kGroup = 32;  // batches a commit

int run(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "read") return read(argv[2]);
  if (argc < 4) return 2;
  const std::filesystem::path out = argv[2];
  const std::int64_t count = std::stoll(argv[3]);
  const bool random = argc > 4 && std::string(argv[4]) == "random";
  const bool old = argc > 5 && std::string(argv[5]) == "v8";
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(out.string() + end);
  const Enrolment pattern = read_template(argv[1]);
  std::printf("DER %zu, CSR %zu, trace %zu, detail %zu bytes\n", pattern.certificate.der.size(),
              pattern.request.csr.size(), pattern.request.trace.size(),
              pattern.audit.detail.size());
  Maker maker(pattern, random);
  std::unique_ptr<Store> store;
  std::unique_ptr<OldStore> before;
  if (old) {
    before = std::make_unique<OldStore>(out);
    before->issuer(pattern.issuer);
  } else {
    store = open_sqlite_store(out, x509::sha256).value();
    const WriteBatch issuer = {InsertIssuer{pattern.issuer}};
    static_cast<void>(store->apply({&issuer, 1}));
  }
  const auto start = steady_clock::now();
  const auto group = [&](std::int64_t size) {
    if (old) {
      before->begin();
      for (std::int64_t i = 0; i < size; ++i) before->add(maker.next());
      before->commit();
      return;
    }
    std::vector<WriteBatch> batches;
    for (std::int64_t i = 0; i < size; ++i) batches.push_back(batch_of(maker.next()));
    for (const auto& result : store->apply(batches)) {
      if (result.has_error()) throw std::runtime_error(result.error().detail);
    }
  };
  auto tenth = steady_clock::now();
  for (std::int64_t i = 0, next = count / 10; i < count; i += 256) {
    group(std::min<std::int64_t>(256, count - i));
    if (i < next) continue;
    std::printf("%10lld: %8.0f enrolments/s\n", static_cast<long long>(i),
                static_cast<double>(count) / 10 / seconds(tenth));
    tenth = steady_clock::now();
    next += count / 10;
  }
  std::printf("filled in %.1f s\n", seconds(start));
  const std::string wal = out.string() + "-wal";
  {
    Connection db(out, Connection::Mode::read_write);
    db.truncate_wal(std::chrono::seconds(1));
    db.execute("PRAGMA wal_autocheckpoint = 0");
  }
  const auto size_before = std::filesystem::exists(wal) ? std::filesystem::file_size(wal) : 0;
  constexpr int kGroups = 4;  // fewer pages than SQLite's own checkpoint waits for
  for (int i = 0; i < kGroups; ++i) group(kGroup);
  const auto size_after = std::filesystem::file_size(wal);
  std::printf("log: %.0f bytes an enrolment, %.2f pages, in commits of %lld\n",
              static_cast<double>(size_after - size_before) / (kGroups * kGroup),
              static_cast<double>(size_after - size_before) / (kGroups * kGroup) / 4120,
              static_cast<long long>(kGroup));
  store.reset();
  before.reset();
  tables(out, count);
  return 0;
}

}  // namespace
}  // namespace countersign::store

int main(int argc, char** argv) {
  try {
    return countersign::store::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
