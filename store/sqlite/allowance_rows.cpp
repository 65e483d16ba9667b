#include "store/sqlite/allowance_rows.h"

#include <charconv>

namespace countersign::store {
namespace {

// "1760000000000:3 1760000060000:1": milliseconds and count.
std::string written(const Allowance& allowance) {
  std::string text;
  for (const Allowance::Uses& use : allowance.uses) {
    if (!text.empty()) text += ' ';
    text += std::to_string(use.at.time_since_epoch().count()) + ':' + std::to_string(use.count);
  }
  return text;
}

Allowance read(const std::string& text) {
  Allowance allowance;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::int64_t time = 0;
    std::int64_t count = 0;
    const auto first = std::from_chars(at, end, time);
    if (first.ec != std::errc() || first.ptr == end) break;
    const auto second = std::from_chars(first.ptr + 1, end, count);
    if (second.ec != std::errc()) break;
    allowance.uses.push_back({Timestamp(std::chrono::milliseconds(time)), count});
    at = second.ptr == end ? end : second.ptr + 1;
  }
  return allowance;
}

void put(Connection& db, const std::string& key, const Allowance& allowance, Timestamp ends) {
  db.prepare("REPLACE INTO allowances (key, uses, ends) VALUES (?, ?, ?)")
      .bind(key, written(allowance), ends)
      .run();
}

}  // namespace

Allowance select_allowance(Connection& db, const std::string& key) {
  auto row = db.prepare("SELECT uses FROM allowances WHERE key = ?");
  return row.bind(key).step() ? read(row.text(0)) : Allowance();
}

Result<void> apply_one(Connection& db, const TakeAllowance& m) {
  const Allowance left = at_time(select_allowance(db, m.key), m.at, m.period);
  if (free_at(left, m.most, m.period)) return fail(Code::rate_limited, "The limit is reached.");
  const Allowance now = taken(left, m.at, m.period);
  put(db, m.key, now, end_of(now, m.period));
  db.prepare(
        "DELETE FROM allowances WHERE key IN "
        "(SELECT key FROM allowances WHERE ends <= ? ORDER BY ends LIMIT 2)")
      .bind(m.at)
      .run();
  return {};
}

Result<void> apply_one(Connection& db, const SettleAllowance& m) {
  const Allowance before = select_allowance(db, m.key);
  if (!ahead(before, m.at, m.period)) return {};
  const Allowance now = at_time(before, m.at, m.period);
  put(db, m.key, now, end_of(now, m.period));
  return {};
}

}  // namespace countersign::store
