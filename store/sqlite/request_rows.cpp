#include "store/sqlite/request_rows.h"

#include <algorithm>

// The columns and read_request belong together.
#define SELECT_REQUEST                                                                      \
  "SELECT id, certname, csr, csr_sha256, state, rule, reason, trace, permitted, profile, "  \
  "source, caller, key, names, created_at, decided_at, decided_by, issuer, serial, token, " \
  "reuse, retry_at, identity FROM requests "

namespace countersign::store {
namespace {

RequestRecord read_request(const Statement& row) {
  return {.id = row.text(0),
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
          .identity = row.text(22),
          .reuse = row.text(20),
          .retry_at = row.optional_time(21),
          .created_at = row.time(14),
          .decided_at = row.optional_time(15),
          .decided_by = row.text(16),
          .issuer = row.text(17),
          .serial = row.blob(18)};
}

std::optional<RequestRecord> first(Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_request(row);
}

}  // namespace

std::optional<RequestRecord> select_request(Connection& db, const std::string& id) {
  auto row = db.prepare(SELECT_REQUEST "WHERE id = ?");
  return first(row.bind(id));
}

std::optional<RequestRecord> select_queued_request(Connection& db, const std::string& certname) {
  auto row = db.prepare(SELECT_REQUEST "WHERE certname = ? AND state = 'queued'");
  return first(row.bind(certname));
}

std::optional<RequestRecord> select_request_by_csr(Connection& db, ByteView csr_sha256) {
  auto row = db.prepare(SELECT_REQUEST "WHERE csr_sha256 = ? ORDER BY id DESC LIMIT 1");
  return first(row.bind(csr_sha256));
}

std::vector<RequestRecord> select_requests_of(Connection& db, const std::string& certname,
                                              std::size_t limit) {
  std::vector<RequestRecord> list;
  auto row = db.prepare(SELECT_REQUEST "WHERE certname = ? ORDER BY id DESC LIMIT ?");
  row.bind(certname, static_cast<std::int64_t>(limit));
  while (row.step()) list.push_back(read_request(row));
  return list;
}

RequestPage select_requests(Connection& db, const RequestQuery& query) {
  const std::size_t limit = std::max<std::size_t>(query.limit, 1);
  const std::string state(query.state ? to_string(*query.state) : "");
  // The queue is read through the index of states, however long the history is.
  auto row = query.state ? db.prepare(SELECT_REQUEST "WHERE id > ?1 AND state = ?2 ORDER BY id")
                         : db.prepare(SELECT_REQUEST "WHERE id > ?1 ORDER BY id");
  if (query.state) {
    row.bind(query.after, state);
  } else {
    row.bind(query.after);
  }
  RequestPage page;
  while (row.step()) {
    if (query.match && !query.match(row.text(1))) continue;
    if (page.rows.size() == limit) {
      page.next = page.rows.back().id;
      break;
    }
    page.rows.push_back(read_request(row));
  }
  return page;
}

}  // namespace countersign::store
