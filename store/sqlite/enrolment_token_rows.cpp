#include "store/sqlite/enrolment_token_rows.h"

#include "store/page_bounds.h"

// The columns and read_token belong together.
#define SELECT_TOKEN                                                               \
  "SELECT id, hash, certname, bounds, label, uses, used, created_by, created_at, " \
  "expires_at, revoked_at FROM enrolment_tokens "

namespace countersign::store {
namespace {

EnrolmentTokenRecord read_token(const Statement& row) {
  return {.id = row.text(0),
          .hash = row.blob(1),
          .certname = row.text(2),
          .bounds = row.text(3),
          .label = row.text(4),
          .uses = row.integer(5),
          .used = row.integer(6),
          .created_by = row.text(7),
          .created_at = row.time(8),
          .expires_at = row.time(9),
          .revoked_at = row.optional_time(10)};
}

std::optional<EnrolmentTokenRecord> first(Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_token(row);
}

}  // namespace

std::optional<EnrolmentTokenRecord> select_enrolment_token(Connection& db, const std::string& id) {
  auto row = db.prepare(SELECT_TOKEN "WHERE id = ?");
  return first(row.bind(id));
}

std::optional<EnrolmentTokenRecord> select_enrolment_token_by_hash(Connection& db, ByteView hash) {
  auto row = db.prepare(SELECT_TOKEN "WHERE hash = ?");
  return first(row.bind(hash));
}

EnrolmentTokenPage select_enrolment_tokens(Connection& db, const EnrolmentTokenQuery& query) {
  PageBounds bounds(query.limit);
  auto row = query.certname ? db.prepare(SELECT_TOKEN "WHERE certname = ?2 AND id > ?1 ORDER BY id")
                            : db.prepare(SELECT_TOKEN "WHERE id > ?1 ORDER BY id");
  if (query.certname) {
    row.bind(query.after, *query.certname);
  } else {
    row.bind(query.after);
  }
  EnrolmentTokenPage page;
  while (row.step()) {
    const bool wanted = !query.match || query.match(row.text(2));
    if (bounds.over(wanted)) return page;
    page.next = row.text(0);
    if (wanted) page.rows.push_back(read_token(row));
  }
  page.next.clear();
  return page;
}

Result<void> apply_one(Connection& db, const InsertEnrolmentToken& m) {
  const EnrolmentTokenRecord& t = m.token;
  auto taken = db.prepare("SELECT 1 FROM enrolment_tokens WHERE id = ? OR hash = ?");
  if (taken.bind(t.id, t.hash).step()) return fail(Code::conflict, "The token is known already.");
  db.prepare(
        "INSERT INTO enrolment_tokens (id, hash, certname, bounds, label, uses, used, created_by, "
        "created_at, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(t.id, t.hash, t.certname, t.bounds, t.label, t.uses, t.used, t.created_by, t.created_at,
            std::optional(t.expires_at), t.revoked_at)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const RedeemEnrolmentToken& m) {
  auto row =
      db.prepare("SELECT uses, used, expires_at, revoked_at FROM enrolment_tokens WHERE id = ?");
  if (!row.bind(m.id).step()) return fail(Code::not_found, "There is no such token.");
  if (!row.null(3) || row.integer(1) >= row.integer(0) || m.at >= row.time(2)) {
    return fail(Code::conflict, "The token is used up, revoked or expired.");
  }
  db.prepare("UPDATE enrolment_tokens SET used = used + 1 WHERE id = ?").bind(m.id).run();
  return {};
}

Result<void> apply_one(Connection& db, const RevokeEnrolmentToken& m) {
  auto row = db.prepare("SELECT revoked_at FROM enrolment_tokens WHERE id = ?");
  if (!row.bind(m.id).step()) return fail(Code::not_found, "There is no such token.");
  if (!row.null(0)) return fail(Code::already_revoked, "The token is revoked already.");
  db.prepare("UPDATE enrolment_tokens SET revoked_at = ? WHERE id = ?").bind(m.at, m.id).run();
  return {};
}

}  // namespace countersign::store
