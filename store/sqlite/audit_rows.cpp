#include "store/sqlite/audit_rows.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "store/page_bounds.h"
#include "store/sqlite/row_body.h"

namespace countersign::store {
namespace {

// The columns and read_audit belong together.
#define SELECT_AUDIT                                                                             \
  "SELECT sequence, at, action, actor, source, subject, serial, detail, request_id, hash, body " \
  "FROM audit "

// A value of another kind than was written would be found by no search, and read as if it were the
// same: what is read of it must not fit the hash.
std::string written_text(const Statement& row, int column) {
  return row.is_text(column) ? row.text(column) : row.text(column) + " (not a text)";
}

AuditRecord read_audit(Connection& db, const Statement& row) {
  AuditRecord record = {.sequence = row.integer(0),
                        .at = row.time(1),
                        .action = written_text(row, 2),
                        .actor = written_text(row, 3),
                        .source = written_text(row, 4),
                        .subject = written_text(row, 5),
                        .serial = written_text(row, 6),
                        .detail = written_text(row, 7),
                        .request_id = written_text(row, 8),
                        .hash = row.blob(9)};
  if (row.null(10)) return record;  // from before there were bodies
  try {
    read_audit_body(db.bodies().unpack(row.view(10)), record);
  } catch (const SqliteError& error) {
    if (error.primary() != SQLITE_CORRUPT) throw;
    // As above: who verifies shall be told of this row, and read on.
    record.detail += " (damaged)";
  }
  return record;
}

#define SELECT_CHECKPOINT "SELECT sequence, hash, at, key, signature FROM audit_checkpoints "

AuditCheckpoint read_checkpoint(const Statement& row) {
  return {.sequence = row.integer(0),
          .hash = row.blob(1),
          .at = row.time(2),
          .key = row.text(3),
          .signature = row.blob(4)};
}

// Rows from before there was a chain hold no hash, and cannot be given one. The first row after
// them is chained over all of them: read once, at the first write after the upgrade.
Bytes hash_over_all(Connection& db, Digest sha256) {
  Bytes hash = chain_start();
  auto row = db.prepare(SELECT_AUDIT "ORDER BY sequence");
  while (row.step()) hash = chain_hash(sha256, hash, read_audit(db, row));
  return hash;
}

#define UP "sequence > ?1 "
#define DOWN "sequence < ?1 AND sequence > 0 "
// By an index of its own, or by what certificates of the name lead to. No more of either than the
// page looks at.
#define OF_SUBJECT(range, order)                                                         \
  "AND sequence IN (SELECT * FROM (SELECT sequence FROM audit INDEXED BY audit_subject " \
  "WHERE subject = ?2 AND by_certificate = 0 AND " range "ORDER BY " order               \
  " LIMIT ?3) "                                                                          \
  "UNION ALL SELECT audit FROM certificates WHERE certname = ?2 AND current = 1 "        \
  "UNION ALL SELECT audit FROM certificates WHERE certname = ?2 AND current = 0) "
#define PAGE(range, subject, order) SELECT_AUDIT "WHERE " range subject "ORDER BY " order
#define PAGE_UP PAGE(UP, "", "sequence")
#define PAGE_UP_OF_SUBJECT PAGE(UP, OF_SUBJECT(UP, "sequence"), "sequence")
#define PAGE_DOWN PAGE(DOWN, "", "sequence DESC")
#define PAGE_DOWN_OF_SUBJECT PAGE(DOWN, OF_SUBJECT(DOWN, "sequence DESC"), "sequence DESC")

const char* page_sql(const AuditQuery& query) {
  if (query.newest_first) return query.subject ? PAGE_DOWN_OF_SUBJECT : PAGE_DOWN;
  return query.subject ? PAGE_UP_OF_SUBJECT : PAGE_UP;
}

}  // namespace

std::int64_t append_audit(Connection& db, Digest sha256, const AuditRecord& row,
                          bool by_certificate) {
  AuditRecord link = row;
  link.sequence = 1;
  Bytes before = chain_start();
  {
    auto last = db.prepare("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
    if (last.step()) {
      link.sequence = last.integer(0) + 1;
      before = last.blob(1);
    }
  }
  if (before.empty()) before = hash_over_all(db, sha256);
  link.hash = chain_hash(sha256, before, link);
  const Bytes body = db.bodies().pack(RowKind::audit, audit_body(link, by_certificate));
  const std::string subject = by_certificate ? "" : link.subject;
  db.prepare(
        "INSERT INTO audit (sequence, at, action, actor, source, subject, serial, detail, "
        "request_id, hash, by_certificate, body) VALUES (?, ?, ?, '', '', ?, '', '', '', ?, ?, ?)")
      .bind(link.sequence, link.at, link.action, subject, link.hash, by_certificate, body)
      .run();
  return link.sequence;
}

Result<void> append_audit_checkpoint(Connection& db, const AuditCheckpoint& checkpoint) {
  auto fits = db.prepare(
      "SELECT ?1 <= COALESCE((SELECT MAX(sequence) FROM audit), 0) "
      "AND ?1 > COALESCE((SELECT MAX(sequence) FROM audit_checkpoints), 0)");
  if (!fits.bind(checkpoint.sequence).step() || fits.integer(0) == 0) {
    return fail(Code::conflict, "The checkpoint does not fit the audit.");
  }
  db.prepare(
        "INSERT INTO audit_checkpoints (sequence, hash, at, key, signature) VALUES (?, ?, ?, ?, ?)")
      .bind(checkpoint.sequence, checkpoint.hash, checkpoint.at, checkpoint.key,
            checkpoint.signature)
      .run();
  return {};
}

AuditPage select_audit_rows(Connection& db, const AuditQuery& query) {
  const std::int64_t after = query.newest_first && query.after == 0
                                 ? std::numeric_limits<std::int64_t>::max()
                                 : query.after;
  PageBounds bounds(query.limit);
  auto row = db.prepare(page_sql(query));
  // One more than the page can look at, so that its end is not taken for that of the rows.
  constexpr auto most = static_cast<std::int64_t>(PageBounds::kMost) + 1;
  if (query.subject) {
    row.bind(after, *query.subject, most);
  } else {
    row.bind(after);
  }
  AuditPage page;
  while (row.step()) {
    const bool possible = (!query.action || row.text(2) == *query.action) &&
                          (!query.since || row.time(1) >= *query.since);
    std::optional<AuditRecord> record;
    if (possible) record = read_audit(db, row);
    const bool wanted = record && (!query.actor || record->actor == *query.actor);
    if (bounds.over(wanted)) return page;
    if (record && !wanted) bounds.read();
    page.next = row.integer(0);
    if (wanted) page.rows.push_back(std::move(*record));
  }
  page.next = 0;
  return page;
}

std::vector<AuditCheckpoint> select_audit_checkpoints(Connection& db, std::int64_t after,
                                                      std::size_t limit) {
  std::vector<AuditCheckpoint> list;
  const auto most = static_cast<std::int64_t>(limit);
  auto row = db.prepare(SELECT_CHECKPOINT "WHERE sequence > ? ORDER BY sequence LIMIT ?");
  row.bind(after, most);
  while (row.step()) list.push_back(read_checkpoint(row));
  return list;
}

std::optional<AuditCheckpoint> select_last_audit_checkpoint(Connection& db) {
  auto row = db.prepare(SELECT_CHECKPOINT "ORDER BY sequence DESC LIMIT 1");
  if (!row.step()) return std::nullopt;
  return read_checkpoint(row);
}

}  // namespace countersign::store
