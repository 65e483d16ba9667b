#include "store/sqlite/approval_rows.h"

namespace countersign::store {

std::vector<ApprovalRecord> select_approvals(Connection& db, const std::string& request) {
  std::vector<ApprovalRecord> list;
  auto row = db.prepare(
      "SELECT person, credential, holds, at FROM approvals WHERE request = ? ORDER BY at, person");
  row.bind(request);
  while (row.step()) list.push_back({row.text(0), row.text(1), row.text(2), row.time(3)});
  return list;
}

std::int64_t count_approvals(Connection& db, const std::string& request, const std::string& holds,
                             const std::string& but_for) {
  auto row =
      db.prepare("SELECT COUNT(*) FROM approvals WHERE request = ? AND holds = ? AND person <> ?");
  row.bind(request, holds, but_for).step();
  return row.integer(0);
}

Result<void> apply_one(Connection& db, const AddApproval& m) {
  const ApprovalRecord& a = m.approval;
  auto request = db.prepare("SELECT state FROM requests WHERE id = ?");
  if (!request.bind(m.request).step()) {
    return fail(Code::not_found, "There is no such request.");
  }
  if (request.text(0) != "queued") {
    return fail(Code::conflict, "The request is decided already.");
  }
  auto own = db.prepare("SELECT holds FROM approvals WHERE request = ? AND person = ?");
  if (own.bind(m.request, a.person).step() && own.text(0) == a.holds) {
    return fail(Code::already_approved, a.person + " has approved it already.");
  }
  if (count_approvals(db, m.request, a.holds, a.person) != m.before) {
    return fail(Code::conflict, "Somebody approved it meanwhile.");
  }
  db.prepare(
        "INSERT INTO approvals (request, person, credential, holds, at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (request, person) DO UPDATE SET credential = excluded.credential, "
        "holds = excluded.holds, at = excluded.at")
      .bind(m.request, a.person, a.credential, a.holds, a.at)
      .run();
  return {};
}

}  // namespace countersign::store
