#include "store/sqlite/writer.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "store/sqlite/allowance_rows.h"
#include "store/sqlite/approval_rows.h"
#include "store/sqlite/audit_rows.h"
#include "store/sqlite/enrolment_token_rows.h"
#include "store/sqlite/hook_event_rows.h"
#include "store/sqlite/instance_rows.h"
#include "store/sqlite/row_body.h"

namespace countersign::store {
namespace {

Result<std::int64_t> issuer_row(Connection& db, const std::string& key_id) {
  auto row = db.prepare("SELECT id FROM issuers WHERE key_id = ?");
  row.bind(key_id);
  if (!row.step()) return fail(Code::not_found, "The store does not know the issuer " + key_id);
  return row.integer(0);
}

Result<void> apply_one(Connection& db, const InsertIssuer& m) {
  auto known = db.prepare("SELECT certificate FROM issuers WHERE key_id = ?");
  known.bind(m.issuer.id);
  if (known.step()) {
    if (known.blob(0) == m.issuer.certificate) return {};
    return fail(Code::conflict, "The issuer is known with another certificate.");
  }
  db.prepare("INSERT INTO issuers (key_id, name, certificate) VALUES (?, ?, ?)")
      .bind(m.issuer.id, m.issuer.name, m.issuer.certificate)
      .run();
  return {};
}

// A batch on its way: what is found by a certificate that came with it.
struct Pass {
  Connection& db;
  Digest sha256;
  // By id, those that were signed at once.
  std::unordered_map<std::string_view, const RequestRecord*> signed_requests = {};
  // Those that lie in the body of a certificate, and the row of that.
  std::unordered_map<const RequestRecord*, std::int64_t> with_certificate = {};
  // By name, the certificates that lead to no audit row yet.
  std::unordered_map<std::string_view, std::int64_t> unaudited = {};
};

// The request of the batch by which the certificate came.
const RequestRecord* request_of(const Pass& pass, const CertificateRecord& c) {
  const auto found = pass.signed_requests.find(c.request_id);
  if (found == pass.signed_requests.end()) return nullptr;
  const RequestRecord& r = *found->second;
  return r.certname == c.certname && r.issuer == c.issuer && r.serial == c.serial ? &r : nullptr;
}

Result<void> apply_to(Pass& pass, const InsertRequest& m) {
  Connection& db = pass.db;
  const RequestRecord& r = m.request;
  auto taken = db.prepare("SELECT 1 FROM requests WHERE id = ?");
  if (taken.bind(r.id).step()) return fail(Code::conflict, "The request id is taken.");
  if (r.state == RequestState::queued) {
    auto queued = db.prepare("SELECT 1 FROM requests WHERE certname = ? AND state = 'queued'");
    if (queued.bind(r.certname).step()) {
      return fail(Code::request_exists, "The name has a queued request.");
    }
  }
  const std::string state(to_string(r.state));
  const auto by = pass.with_certificate.find(&r);
  if (by != pass.with_certificate.end()) {
    db.prepare(
          "INSERT INTO requests (id, certname, csr, csr_sha256, state, rule, reason, trace, "
          "permitted, profile, source, caller, key, names, created_at, decided_by, issuer, serial, "
          "certificate) VALUES (?, '', x'', x'', ?, '', '', '', '', '', '', '', '', '', 0, '', '', "
          "x'', ?)")
        .bind(r.id, state, by->second)
        .run();
    return {};
  }
  const Bytes body = db.bodies().pack(RowKind::request, request_body(r));
  auto insert = db.prepare(
      "INSERT INTO requests (id, certname, csr, csr_sha256, state, rule, reason, trace, permitted, "
      "profile, source, caller, key, names, created_at, decided_at, decided_by, issuer, serial, "
      "reuse, retry_at, approvals, body) "
      "VALUES (?, ?, x'', x'', ?, ?, ?, '', '', ?, ?, '', ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert
      .bind(r.id, r.certname, state, r.rule, r.reason, r.profile, r.source, r.key, r.created_at,
            r.decided_at, r.decided_by, r.issuer, r.serial, r.reuse, r.retry_at, r.approvals_needed,
            body)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const DecideRequest& m) {
  auto row = db.prepare("SELECT state, approvals FROM requests WHERE id = ?");
  if (!row.bind(m.id).step()) return fail(Code::not_found, "There is no such request.");
  if (row.text(0) != "queued") return fail(Code::conflict, "The request is decided already.");
  const std::int64_t needed = m.state == RequestState::signed_ ? row.integer(1) : 1;
  if (needed > 1 && count_approvals(db, m.id, m.holds, "") < needed) {
    return fail(Code::conflict, "The request needs more approvals.");
  }
  const std::string state(to_string(m.state));
  db.prepare(
        "UPDATE requests SET state = ?, reason = ?, decided_by = ?, decided_at = ?, issuer = ?, "
        "serial = ? WHERE id = ?")
      .bind(state, m.reason, m.decided_by, m.at, m.issuer, m.serial, m.id)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const RevokeCertificate& m) {
  const auto issuer = issuer_row(db, m.issuer);
  if (issuer.has_error()) return issuer.error();
  auto row = db.prepare(
      "SELECT id, revoked_at, not_after FROM certificates WHERE serial = ? AND issuer_id = ?");
  if (!row.bind(m.serial, *issuer).step()) {
    return fail(Code::not_found, "There is no such certificate.");
  }
  if (!row.null(1)) return fail(Code::already_revoked, "The certificate is revoked already.");
  const std::int64_t id = row.integer(0);
  db.prepare("UPDATE certificates SET revoked_at = ?, revoked_reason = ? WHERE id = ?")
      .bind(m.revocation.at, std::int64_t{m.revocation.reason}, id)
      .run();
  db.prepare(
        "INSERT INTO revocations (issuer_id, serial, not_after, revoked_at, reason) "
        "VALUES (?, ?, ?, ?, ?)")
      .bind(*issuer, m.serial, row.time(2), m.revocation.at, std::int64_t{m.revocation.reason})
      .run();
  return {};
}

// After a renewal with a shorter validity an older certificate can outlive the current one: its
// machine runs, and the name is its own. The service's own certificate never took the name.
bool outlived(Connection& db, const std::string& certname, Timestamp at) {
  auto other = db.prepare(
      "SELECT 1 FROM certificates WHERE certname = ? AND current = 0 AND revoked_at IS NULL "
      "AND not_after > ? AND rule <> 'service'");
  return other.bind(certname, at).step();
}

Result<void> apply_to(Pass& pass, const InsertCertificate& m) {
  Connection& db = pass.db;
  const CertificateRecord& c = m.certificate;
  const auto issuer = issuer_row(db, c.issuer);
  if (issuer.has_error()) return issuer.error();
  auto taken = db.prepare("SELECT 1 FROM certificates WHERE serial = ? AND issuer_id = ?");
  if (taken.bind(c.serial, *issuer).step()) return fail(Code::conflict, "The serial is taken.");
  if (c.current) {
    auto current = db.prepare(
        "SELECT id, revoked_at, not_after, serial, issuer_id FROM certificates "
        "WHERE certname = ? AND current = 1");
    const bool held = current.bind(c.certname).step();
    if (!m.renews.empty() && !(held && current.null(1) && current.blob(3) == m.renews &&
                               current.integer(4) == *issuer)) {
      return fail(Code::conflict, "The name does not stand for the renewed certificate.");
    }
    if (held) {
      const bool expired = current.null(1) && current.time(2) <= c.issued_at;
      if (!m.replace && m.renews.empty() && (!expired || outlived(db, c.certname, c.issued_at))) {
        return current.null(1) ? fail(Code::certificate_exists, "The name has a certificate.")
                               : fail(Code::revoked_exists, "The name has a revoked certificate.");
      }
      const std::int64_t id = current.integer(0);
      db.prepare("UPDATE certificates SET current = 0 WHERE id = ?").bind(id).run();
    }
  }
  const RequestRecord* request = request_of(pass, c);
  const Bytes body = db.bodies().pack(RowKind::certificate, certificate_body(c, request));
  // The one rule that SQL asks for.
  const std::string rule = c.rule == "service" ? c.rule : "";
  auto insert = db.prepare(
      "INSERT INTO certificates (issuer_id, serial, certname, der, not_before, not_after, profile, "
      "rule, request_id, key, names, issued_at, current, body) "
      "VALUES (?, ?, ?, x'', 0, ?, '', ?, '', '', '', 0, ?, ?)");
  insert.bind(*issuer, c.serial, c.certname, c.not_after, rule, c.current, body).run();
  const std::int64_t id = db.inserted();
  if (request != nullptr) pass.with_certificate.emplace(request, id);
  pass.unaudited.insert_or_assign(c.certname, id);
  if (c.revocation) {
    return apply_one(db, RevokeCertificate{c.issuer, c.serial, *c.revocation});
  }
  return {};
}

Result<void> apply_one(Connection& db, const ReleaseName& m) {
  if (!m.serial.empty()) {
    auto current = db.prepare("SELECT serial FROM certificates WHERE certname = ? AND current = 1");
    if (current.bind(m.certname).step() && current.blob(0) != m.serial) {
      return fail(Code::conflict, "The name stands for another certificate.");
    }
  }
  db.prepare("UPDATE certificates SET current = 0 WHERE certname = ? AND current = 1")
      .bind(m.certname)
      .run();
  if (db.changes() == 0) return fail(Code::not_found, "The name has no current certificate.");
  return {};
}

Result<void> apply_one(Connection& db, const WithdrawRequest& m) {
  db.prepare(
        "UPDATE requests SET state = 'withdrawn', decided_at = ?, decided_by = ? "
        "WHERE certname = ? AND state = 'queued'")
      .bind(m.at, m.by, m.certname)
      .run();
  if (db.changes() == 0) return fail(Code::not_found, "The name has no queued request.");
  return {};
}

Result<void> apply_one(Connection& db, const InsertCrl& m) {
  const auto number = static_cast<std::int64_t>(m.crl.number);
  auto last = db.prepare("SELECT MAX(number) FROM crls WHERE issuer = ?");
  if (last.bind(m.crl.issuer).step() && !last.null(0) && last.integer(0) >= number) {
    return fail(Code::conflict, "The CRL number does not rise.");
  }
  db.prepare("DELETE FROM crls WHERE issuer = ?").bind(m.crl.issuer).run();
  db.prepare(
        "INSERT INTO crls (issuer, number, this_update, next_update, der, signature, through, "
        "dropped_through, dropped_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(m.crl.issuer, number, m.crl.this_update, m.crl.next_update, m.crl.der, m.crl.signature,
            m.crl.through, m.crl.dropped_through, m.crl.dropped_before)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const InsertToken& m) {
  const TokenRecord& t = m.token;
  auto taken = db.prepare("SELECT 1 FROM tokens WHERE id = ? OR hash = ?");
  if (taken.bind(t.id, t.hash).step()) return fail(Code::conflict, "The token is known already.");
  db.prepare(
        "INSERT INTO tokens (id, hash, role, label, scope, created_by, created_at, expires_at, "
        "revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(t.id, t.hash, t.role, t.label, t.scope, t.created_by, t.created_at, t.expires_at,
            t.revoked_at)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const RevokeToken& m) {
  auto row = db.prepare("SELECT revoked_at FROM tokens WHERE id = ?");
  if (!row.bind(m.id).step()) return fail(Code::not_found, "There is no such token.");
  if (!row.null(0)) return fail(Code::already_revoked, "The token is revoked already.");
  db.prepare("UPDATE tokens SET revoked_at = ? WHERE id = ?").bind(m.at, m.id).run();
  return {};
}

Result<void> apply_one(Connection& db, const AppendAuditCheckpoint& m) {
  return append_audit_checkpoint(db, m.checkpoint);
}

Result<void> apply_one(Connection& db, const PutDocument& m) {
  auto row = db.prepare("SELECT version FROM documents WHERE space = ? AND key = ?");
  const std::int64_t found = row.bind(m.space, m.key).step() ? row.integer(0) : 0;
  if (found != m.expected) return fail(Code::conflict, "The document changed meanwhile.");
  db.prepare("REPLACE INTO documents (space, key, value, version) VALUES (?, ?, ?, ?)")
      .bind(m.space, m.key, m.value, found + 1)
      .run();
  return {};
}

// A row about a certificate of the batch is found by that: by its name, which is its subject.
Result<void> apply_to(Pass& pass, const AppendAudit& m) {
  const auto by = pass.unaudited.find(m.row.subject);
  const bool found = by != pass.unaudited.end();
  const std::int64_t sequence = append_audit(pass.db, pass.sha256, m.row, found);
  if (!found) return {};
  pass.db.prepare("UPDATE certificates SET audit = ? WHERE id = ?")
      .bind(sequence, by->second)
      .run();
  pass.unaudited.erase(by);
  return {};
}

// Most mutations need nothing but the connection.
template <class T>
Result<void> apply_to(Pass& pass, const T& mutation) {
  return apply_one(pass.db, mutation);
}

Result<void> apply_all(Connection& db, Digest sha256, const WriteBatch& batch) {
  Pass pass{db, sha256};
  for (const Mutation& mutation : batch) {
    const auto* insert = std::get_if<InsertRequest>(&mutation);
    if (insert == nullptr || insert->request.state != RequestState::signed_) continue;
    pass.signed_requests.emplace(insert->request.id, &insert->request);
  }
  for (const Mutation& mutation : batch) {
    auto done = std::visit([&](const auto& m) { return apply_to(pass, m); }, mutation);
    if (done.has_error()) return done;
  }
  return {};
}

Result<void> apply_batch(Connection& db, Digest sha256, const WriteBatch& batch) {
  try {
    return apply_all(db, sha256, batch);
  } catch (const SqliteError& error) {
    if (error.primary() != SQLITE_CONSTRAINT) throw;
    return fail(Code::conflict, "Another row does not allow it.", error.what());
  }
}

// Nullopt: a batch failed after it had written something.
std::optional<std::vector<Result<void>>> apply_unguarded(Connection& db, Digest sha256,
                                                         std::span<const WriteBatch> batches) {
  std::vector<Result<void>> results;
  results.reserve(batches.size());
  for (const WriteBatch& batch : batches) {
    const std::int64_t before = db.total_changes();
    results.push_back(apply_batch(db, sha256, batch));
    if (results.back().has_error() && db.total_changes() != before) return std::nullopt;
  }
  return results;
}

std::vector<Result<void>> apply_guarded(Connection& db, Digest sha256,
                                        std::span<const WriteBatch> batches) {
  std::vector<Result<void>> results;
  results.reserve(batches.size());
  for (const WriteBatch& batch : batches) {
    db.prepare("SAVEPOINT batch").run();
    results.push_back(apply_batch(db, sha256, batch));
    if (results.back().has_error()) db.prepare("ROLLBACK TO batch").run();
    db.prepare("RELEASE batch").run();
  }
  return results;
}

}  // namespace

std::vector<Result<void>> commit_group(Connection& db, Digest sha256,
                                       std::span<const WriteBatch> batches) {
  db.prepare("BEGIN IMMEDIATE").run();
  auto results = apply_unguarded(db, sha256, batches);
  if (!results) {
    db.prepare("ROLLBACK").run();
    db.prepare("BEGIN IMMEDIATE").run();
    results = apply_guarded(db, sha256, batches);
  }
  db.bodies().renew();
  db.prepare("COMMIT").run();
  return std::move(*results);
}

}  // namespace countersign::store
