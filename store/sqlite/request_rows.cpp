#include "store/sqlite/request_rows.h"

#include <algorithm>

#include "store/sqlite/approval_rows.h"

// The columns and read_request belong together.
#define SELECT_REQUEST                                                                      \
  "SELECT id, certname, csr, csr_sha256, state, rule, reason, trace, permitted, profile, "  \
  "source, caller, key, names, created_at, decided_at, decided_by, issuer, serial, token, " \
  "reuse, retry_at, approvals, identity FROM requests "

namespace countersign::store {
namespace {

RequestRecord read_request(Connection& db, const Statement& row) {
  RequestRecord record = {
      .id = row.text(0),
      .certname = row.text(1),
      .csr = row.blob(2),
      .csr_sha256 = row.blob(3),
      .state = parse_request_state(row.text(4)).value_or(RequestState::withdrawn),
      .rule = row.text(5),
      .reason = row.text(6),
      .trace = row.text(7),
      .grant = row.text(8),
      .profile = row.text(9),
      .source = row.text(10),
      .caller = row.text(11),
      .key = row.text(12),
      .names = row.text(13),
      .token = row.text(19),
      .identity = row.text(23),
      .reuse = row.text(20),
      .retry_at = row.optional_time(21),
      .approvals_needed = row.integer(22),
      .created_at = row.time(14),
      .decided_at = row.optional_time(15),
      .decided_by = row.text(16),
      .issuer = row.text(17),
      .serial = row.blob(18)};
  record.approvals = select_approvals(db, record.id);
  return record;
}

std::optional<RequestRecord> first(Connection& db, Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_request(db, row);
}

// What a page is chosen by. Of the queue it is in the indices alone; of the history, which is long,
// the index of states leads to its rows.
#define SCAN "SELECT id, certname, rule, profile, source, key, created_at FROM requests "

const char* scan_of(std::optional<RequestState> state, RequestOrder order) {
  const bool newest = order == RequestOrder::newest_first;
  if (!state) {
    return newest ? SCAN "WHERE id < ?1 ORDER BY id DESC" : SCAN "WHERE id > ?1 ORDER BY id";
  }
  if (state != RequestState::queued) {
    return newest ? SCAN "WHERE id < ?1 AND state = ?2 ORDER BY id DESC"
                  : SCAN "WHERE id > ?1 AND state = ?2 ORDER BY id";
  }
  if (order == RequestOrder::certname) {
    return SCAN
        "INDEXED BY queue_certname WHERE state = 'queued' AND certname > ?1 ORDER BY certname";
  }
  return newest ? SCAN
             "INDEXED BY queue_arrival WHERE state = 'queued' AND id < ?1 ORDER BY id DESC"
                : SCAN "INDEXED BY queue_arrival WHERE state = 'queued' AND id > ?1 ORDER BY id";
}

bool chosen(const Statement& row, const RequestQuery& query) {
  if (query.rule && row.text(2) != *query.rule) return false;
  if (query.profile && row.text(3) != *query.profile) return false;
  if (query.key && row.text(5) != *query.key) return false;
  if (query.created_before && row.time(6) >= *query.created_before) return false;
  if (query.created_after && row.time(6) <= *query.created_after) return false;
  if (query.source && !query.source(row.text(4))) return false;
  return !query.match || query.match(row.text(1));
}

}  // namespace

std::optional<RequestRecord> select_request(Connection& db, const std::string& id) {
  auto row = db.prepare(SELECT_REQUEST "WHERE id = ?");
  return first(db, row.bind(id));
}

std::optional<RequestRecord> select_queued_request(Connection& db, const std::string& certname) {
  auto row = db.prepare(SELECT_REQUEST "WHERE certname = ? AND state = 'queued'");
  return first(db, row.bind(certname));
}

std::optional<RequestRecord> select_request_by_csr(Connection& db, ByteView csr_sha256) {
  auto row = db.prepare(SELECT_REQUEST "WHERE csr_sha256 = ? ORDER BY id DESC LIMIT 1");
  return first(db, row.bind(csr_sha256));
}

std::vector<RequestRecord> select_requests_of(Connection& db, const std::string& certname,
                                              std::size_t limit) {
  std::vector<RequestRecord> list;
  auto row = db.prepare(SELECT_REQUEST "WHERE certname = ? ORDER BY id DESC LIMIT ?");
  row.bind(certname, static_cast<std::int64_t>(limit));
  while (row.step()) list.push_back(read_request(db, row));
  return list;
}

RequestPage select_requests(Connection& db, const RequestQuery& query) {
  const std::size_t limit = std::max<std::size_t>(query.limit, 1);
  const bool by_name = query.order == RequestOrder::certname;
  const auto state = by_name ? RequestState::queued : query.state;
  const std::string word(state ? to_string(*state) : "");
  // Behind the id of every request.
  const std::string end = "~";
  const bool first = query.order == RequestOrder::newest_first && query.after.empty();
  auto row = db.prepare(scan_of(state, query.order));
  const std::string& after = first ? end : query.after;
  if (state && state != RequestState::queued) {
    row.bind(after, word);
  } else {
    row.bind(after);
  }
  RequestPage page;
  while (row.step()) {
    if (!chosen(row, query)) continue;
    if (page.rows.size() == limit) {
      page.next = by_name ? page.rows.back().certname : page.rows.back().id;
      break;
    }
    auto whole = select_request(db, row.text(0));
    // Another connection may have decided it meanwhile.
    if (whole && (!state || whole->state == *state)) page.rows.push_back(std::move(*whole));
  }
  return page;
}

std::vector<RequestRecord> select_stale_requests(Connection& db, Timestamp before,
                                                 std::size_t limit) {
  std::vector<RequestRecord> list;
  auto row = db.prepare(SELECT_REQUEST
                        "INDEXED BY queue_age WHERE state = 'queued' AND created_at < ? "
                        "ORDER BY created_at LIMIT ?");
  row.bind(before, static_cast<std::int64_t>(limit));
  while (row.step()) list.push_back(read_request(db, row));
  return list;
}

}  // namespace countersign::store
