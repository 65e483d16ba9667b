#include "store/sqlite/audit_rows.h"

#include <algorithm>
#include <limits>

namespace countersign::store {
namespace {

// The columns and read_audit belong together.
#define SELECT_AUDIT                                                                            \
  "SELECT sequence, at, action, actor, source, subject, serial, detail, request_id, hash FROM " \
  "audit "

// A value of another kind than was written would be found by no search, and read as if it were the
// same: what is read of it must not fit the hash.
std::string written_text(const Statement& row, int column) {
  return row.is_text(column) ? row.text(column) : row.text(column) + " (not a text)";
}

AuditRecord read_audit(const Statement& row) {
  return {.sequence = row.integer(0),
          .at = row.time(1),
          .action = written_text(row, 2),
          .actor = written_text(row, 3),
          .source = written_text(row, 4),
          .subject = written_text(row, 5),
          .serial = written_text(row, 6),
          .detail = written_text(row, 7),
          .request_id = written_text(row, 8),
          .hash = row.blob(9)};
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
  while (row.step()) hash = chain_hash(sha256, hash, read_audit(row));
  return hash;
}

#define FILTERS \
  "AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR at >= ?5) "
#define OF_SUBJECT "AND subject = ?6 "
#define PAGE_UP(where) \
  SELECT_AUDIT "WHERE sequence > ?1 " where FILTERS "ORDER BY sequence LIMIT ?2"
#define PAGE_DOWN(where)                                             \
  SELECT_AUDIT "WHERE sequence < ?1 AND sequence > 0 " where FILTERS \
               "ORDER BY sequence DESC LIMIT ?2"

const char* page_sql(const AuditQuery& query) {
  if (query.newest_first) return query.subject ? PAGE_DOWN(OF_SUBJECT) : PAGE_DOWN("");
  return query.subject ? PAGE_UP(OF_SUBJECT) : PAGE_UP("");
}

}  // namespace

void append_audit(Connection& db, Digest sha256, const AuditRecord& row) {
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
  db.prepare(
        "INSERT INTO audit (sequence, at, action, actor, source, subject, serial, detail, "
        "request_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(link.sequence, link.at, link.action, link.actor, link.source, link.subject, link.serial,
            link.detail, link.request_id, link.hash)
      .run();
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
  const std::size_t limit = std::max<std::size_t>(query.limit, 1);
  const std::int64_t after = query.newest_first && query.after == 0
                                 ? std::numeric_limits<std::int64_t>::max()
                                 : query.after;
  // One more tells whether another page follows.
  const auto most = static_cast<std::int64_t>(limit) + 1;
  auto row = db.prepare(page_sql(query));
  if (query.subject) {
    row.bind(after, most, query.actor, query.action, query.since, *query.subject);
  } else {
    row.bind(after, most, query.actor, query.action, query.since);
  }
  AuditPage page;
  while (row.step()) {
    if (page.rows.size() == limit) {
      page.next = page.rows.back().sequence;
      break;
    }
    page.rows.push_back(read_audit(row));
  }
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
