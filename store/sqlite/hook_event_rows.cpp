#include "store/sqlite/hook_event_rows.h"

namespace countersign::store {
namespace {

HookEventRecord read_event(const Statement& row) {
  return {.sequence = row.integer(0),
          .id = row.text(1),
          .hook = row.text(2),
          .subject = row.text(3),
          .event = row.text(4),
          .body = row.text(5),
          .created_at = row.time(6),
          .attempts = row.integer(7),
          .next_at = row.time(8),
          .last_error = row.text(9)};
}

// The hook's oldest event goes if `most` wait: how many went.
std::int64_t make_room(Connection& db, const std::string& hook, std::int64_t most) {
  auto tally = db.prepare("SELECT waiting FROM hook_tallies WHERE hook = ?");
  if (!tally.bind(hook).step() || tally.integer(0) < most) return 0;
  db.prepare(
        "DELETE FROM hook_events WHERE sequence = "
        "(SELECT MIN(sequence) FROM hook_events WHERE hook = ?)")
      .bind(hook)
      .run();
  return db.changes();
}

}  // namespace

std::vector<HookEventRecord> select_due_events(Connection& db, const std::string& hook,
                                               Timestamp now, std::size_t limit) {
  std::vector<HookEventRecord> list;
  auto row = db.prepare(
      "SELECT sequence, id, hook, subject, event, body, created_at, attempts, next_at, last_error "
      "FROM hook_events AS due WHERE hook = ?1 AND (next_at <= ?2 OR next_at > ?4) AND NOT EXISTS "
      "(SELECT 1 FROM hook_events AS earlier WHERE earlier.hook = ?1 "
      "AND earlier.subject = due.subject AND earlier.sequence < due.sequence) "
      "ORDER BY sequence LIMIT ?3");
  row.bind(hook, now, static_cast<std::int64_t>(limit), now + kLongestHookPause);
  while (row.step()) list.push_back(read_event(row));
  return list;
}

std::vector<HookTally> select_hook_tallies(Connection& db) {
  std::vector<HookTally> list;
  auto row = db.prepare(
      "SELECT hook_tallies.hook, waiting, delivered, given_up, dropped, hook_events.created_at, "
      "hook_events.last_error FROM hook_tallies LEFT JOIN hook_events ON hook_events.sequence = "
      "(SELECT MIN(sequence) FROM hook_events WHERE hook_events.hook = hook_tallies.hook) "
      "ORDER BY hook_tallies.hook");
  while (row.step()) {
    HookTally tally;
    tally.hook = row.text(0);
    tally.waiting = row.integer(1);
    tally.delivered = row.integer(2);
    tally.given_up = row.integer(3);
    tally.dropped = row.integer(4);
    tally.oldest = row.optional_time(5);
    if (!row.null(6)) tally.last_error = row.text(6);
    list.push_back(std::move(tally));
  }
  return list;
}

Result<void> apply_one(Connection& db, const InsertHookEvent& m) {
  const HookEventRecord& e = m.event;
  const std::int64_t gone = make_room(db, e.hook, m.most);
  db.prepare(
        "INSERT INTO hook_events (id, hook, subject, event, body, created_at, attempts, next_at, "
        "last_error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(e.id, e.hook, e.subject, e.event, e.body, e.created_at, e.attempts, e.next_at,
            e.last_error)
      .run();
  db.prepare(
        "INSERT INTO hook_tallies (hook, waiting, delivered, given_up, dropped) "
        "VALUES (?1, 1, 0, 0, 0) ON CONFLICT (hook) DO UPDATE "
        "SET waiting = waiting + 1 - ?2, dropped = dropped + ?2")
      .bind(e.hook, gone)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const PostponeHookEvent& m) {
  db.prepare(
        "UPDATE hook_events SET attempts = attempts + 1, next_at = ?, last_error = ? "
        "WHERE sequence = ?")
      .bind(m.next_at, m.error, m.sequence)
      .run();
  if (db.changes() == 0) return fail(Code::not_found, "There is no such event.");
  return {};
}

Result<void> apply_one(Connection& db, const RemoveHookEvent& m) {
  std::string hook;
  {
    auto row = db.prepare("SELECT hook FROM hook_events WHERE sequence = ?");
    if (!row.bind(m.sequence).step()) return fail(Code::not_found, "There is no such event.");
    hook = row.text(0);
  }
  db.prepare("DELETE FROM hook_events WHERE sequence = ?").bind(m.sequence).run();
  db.prepare(
        "UPDATE hook_tallies SET waiting = waiting - 1, delivered = delivered + ?2, "
        "given_up = given_up + 1 - ?2 WHERE hook = ?1")
      .bind(hook, m.delivered)
      .run();
  return {};
}

}  // namespace countersign::store
