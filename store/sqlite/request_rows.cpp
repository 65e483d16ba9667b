#include "store/sqlite/request_rows.h"

#include <algorithm>

#include "store/page_bounds.h"
#include "store/sqlite/approval_rows.h"
#include "store/sqlite/certificate_rows.h"
#include "store/sqlite/row_body.h"

// The columns and read_request belong together.
#define SELECT_REQUEST                                                                      \
  "SELECT id, certname, csr, certificate, state, rule, reason, trace, permitted, profile, " \
  "source, caller, key, names, created_at, decided_at, decided_by, issuer, serial, token, " \
  "reuse, retry_at, approvals, identity, body FROM requests "

namespace countersign::store {
namespace {

RequestRecord read_request(Connection& db, const Statement& row) {
  if (!row.null(3)) {
    auto record = select_request_of_certificate(db, row.integer(3));
    if (!record) throw SqliteError(SQLITE_CORRUPT, "a request has lost its certificate");
    return std::move(*record);
  }
  RequestRecord record = {
      .id = row.text(0),
      .certname = row.text(1),
      .csr = row.blob(2),
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
  if (!row.null(24)) read_request_body(db.bodies().unpack(row.view(24)), record);
  record.approvals = select_approvals(db, record.id);
  return record;
}

std::optional<RequestRecord> first(Connection& db, Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_request(db, row);
}

// What a page of the queue is chosen by is in its indices alone.
#define QUEUE "SELECT id, certname, rule, profile, source, key, created_at FROM requests "

const char* queue_of(RequestOrder order) {
  switch (order) {
    case RequestOrder::certname:
      return QUEUE
          "INDEXED BY queue_certname WHERE state = 'queued' AND certname > ?1 ORDER BY certname";
    case RequestOrder::newest_first:
      return QUEUE "INDEXED BY queue_arrival WHERE state = 'queued' AND id < ?1 ORDER BY id DESC";
    case RequestOrder::arrival:
      break;
  }
  return QUEUE "INDEXED BY queue_arrival WHERE state = 'queued' AND id > ?1 ORDER BY id";
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

// Of the history, which is long, an index leads to what was not signed; what was is found by the
// order of arrival, its name with its certificate.
#define HISTORY                                                                    \
  "SELECT requests.id, COALESCE(certificates.certname, requests.certname), state " \
  "FROM requests LEFT JOIN certificates ON certificates.id = requests.certificate "
#define UNDONE                                                                            \
  "SELECT id, certname, state FROM requests INDEXED BY requests_undone WHERE state = ?2 " \
  "AND state <> 'queued' AND state <> 'signed' "

const char* history_of(std::optional<RequestState> state, bool newest) {
  if (state && *state != RequestState::signed_) {
    return newest ? UNDONE "AND id < ?1 ORDER BY id DESC" : UNDONE "AND id > ?1 ORDER BY id";
  }
  return newest ? HISTORY "WHERE requests.id < ?1 ORDER BY requests.id DESC"
                : HISTORY "WHERE requests.id > ?1 ORDER BY requests.id";
}

// Behind the id of every request.
constexpr const char* kEnd = "~";

RequestPage select_queue(Connection& db, const RequestQuery& query) {
  const bool by_name = query.order == RequestOrder::certname;
  const bool from_end = query.order == RequestOrder::newest_first && query.after.empty();
  const std::string after = from_end ? kEnd : query.after;
  PageBounds bounds(query.limit);
  auto row = db.prepare(queue_of(query.order));
  row.bind(after);
  RequestPage page;
  while (row.step()) {
    const bool wanted = chosen(row, query);
    if (bounds.over(wanted)) return page;
    page.next = row.text(by_name ? 1 : 0);
    if (!wanted) continue;
    auto whole = select_request(db, row.text(0));
    // Another connection may have decided it meanwhile.
    if (whole && whole->state == RequestState::queued) page.rows.push_back(std::move(*whole));
    bounds.read();
  }
  page.next.clear();
  return page;
}

RequestPage select_history(Connection& db, const RequestQuery& query) {
  const bool newest = query.order == RequestOrder::newest_first;
  const std::string after = newest && query.after.empty() ? kEnd : query.after;
  const std::string word(query.state ? to_string(*query.state) : "");
  PageBounds bounds(query.limit);
  auto row = db.prepare(history_of(query.state, newest));
  if (query.state && *query.state != RequestState::signed_) {
    row.bind(after, word);
  } else {
    row.bind(after);
  }
  RequestPage page;
  while (row.step()) {
    std::optional<RequestRecord> whole;
    const bool possible =
        (!query.state || row.text(2) == word) && (!query.match || query.match(row.text(1)));
    if (possible) {
      whole = select_request(db, row.text(0));
      bounds.read();
    }
    const bool wanted = whole && meets(*whole, query);
    if (bounds.over(wanted)) return page;
    page.next = row.text(0);
    if (wanted) page.rows.push_back(std::move(*whole));
  }
  page.next.clear();
  return page;
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

// One statement for the most frequent answer, no. Requests with a certificate have its name.
bool is_name_known(Connection& db, const std::string& certname) {
  auto row = db.prepare(
      "SELECT EXISTS (SELECT 1 FROM certificates WHERE certname = ?1 AND current = 1) "
      "OR EXISTS (SELECT 1 FROM certificates WHERE certname = ?1 AND current = 0) "
      "OR EXISTS (SELECT 1 FROM requests INDEXED BY requests_certname "
      "WHERE certname = ?1 AND certificate IS NULL)");
  row.bind(certname).step();
  return row.integer(0) != 0;
}

std::optional<RequestRecord> select_request_by_csr(Connection& db, const std::string& certname,
                                                   ByteView csr) {
  auto list = select_requests_of(db, certname, kRequestsLookedAt);
  const auto found = std::ranges::find_if(
      list, [&](const RequestRecord& row) { return std::ranges::equal(row.csr, csr); });
  if (found == list.end()) return std::nullopt;
  return std::move(*found);
}

std::vector<RequestRecord> select_requests_of(Connection& db, const std::string& certname,
                                              std::size_t limit) {
  // Some lie with their certificates, the others have rows of their own.
  auto list = select_requests_of_certificates(db, certname, limit);
  auto row = db.prepare(SELECT_REQUEST
                        "INDEXED BY requests_certname WHERE certname = ? "
                        "AND certificate IS NULL ORDER BY id DESC LIMIT ?");
  row.bind(certname, static_cast<std::int64_t>(limit));
  while (row.step()) list.push_back(read_request(db, row));
  std::ranges::sort(list, std::greater(), &RequestRecord::id);
  if (list.size() > limit) list.resize(limit);
  return list;
}

RequestPage select_page_of(Connection& db, const RequestQuery& query) {
  const bool newest = query.order == RequestOrder::newest_first;
  const bool by_name = query.order == RequestOrder::certname;
  auto list = select_requests_of(db, *query.certname, kMostOfAName);
  if (!newest) std::ranges::reverse(list);
  PageBounds bounds(query.limit);
  RequestPage page;
  for (RequestRecord& row : list) {
    const std::string& place = by_name ? row.certname : row.id;
    const bool behind = newest ? query.after.empty() || place < query.after : place > query.after;
    if (!behind) continue;
    const bool wanted = meets(row, query);
    if (bounds.over(wanted)) return page;
    page.next = place;
    if (wanted) page.rows.push_back(std::move(row));
  }
  page.next.clear();
  return page;
}

RequestPage select_requests(Connection& db, const RequestQuery& query) {
  if (query.certname) return select_page_of(db, query);
  const bool queue = query.order == RequestOrder::certname || query.state == RequestState::queued;
  return queue ? select_queue(db, query) : select_history(db, query);
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
