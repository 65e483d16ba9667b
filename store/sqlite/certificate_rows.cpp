#include "store/sqlite/certificate_rows.h"

#include <algorithm>

#include "store/page_bounds.h"
#include "store/sqlite/row_body.h"

// The columns and read_certificate belong together.
#define SELECT_CERTIFICATE                                                                  \
  "SELECT certificates.id, issuers.key_id, serial, certname, der, not_before, not_after, "  \
  "profile, rule, request_id, key, names, issued_at, current, revoked_at, revoked_reason, " \
  "certificates.body FROM certificates JOIN issuers ON issuers.id = certificates.issuer_id "

namespace countersign::store {
namespace {

// All that a page is chosen by.
CertificateRecord read_columns(const Statement& row) {
  CertificateRecord record{.issuer = row.text(1),
                           .serial = row.blob(2),
                           .certname = row.text(3),
                           .not_after = row.time(6),
                           .current = row.integer(13) != 0};
  if (!row.null(14)) record.revocation = {row.time(14), static_cast<int>(row.integer(15))};
  return record;
}

// The rest. What it returns is the request that lies with the certificate, if one does.
std::optional<RequestRecord> read_body(Connection& db, const Statement& row,
                                       CertificateRecord& record) {
  if (!row.null(16)) return read_certificate_body(db.bodies().unpack(row.view(16)), record);
  // From before there were bodies.
  record.der = row.blob(4);
  record.not_before = row.time(5);
  record.profile = row.text(7);
  record.rule = row.text(8);
  record.request_id = row.text(9);
  record.key = row.text(10);
  record.names = row.text(11);
  record.issued_at = row.time(12);
  return std::nullopt;
}

CertificateRecord read_certificate(Connection& db, const Statement& row) {
  CertificateRecord record = read_columns(row);
  read_body(db, row, record);
  return record;
}

std::optional<RequestRecord> read_request(Connection& db, const Statement& row) {
  CertificateRecord certificate = read_columns(row);
  return read_body(db, row, certificate);
}

std::optional<CertificateRecord> first(Connection& db, Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_certificate(db, row);
}

// By both indices of the name: the one of the certificates that it stands for, and that of the
// others.
#define IDS_OF_NAME(name)                              \
  "SELECT id FROM certificates WHERE certname = " name \
  " AND current = 1 UNION ALL "                        \
  "SELECT id FROM certificates WHERE certname = " name " AND current = 0"

// One text for each index that serves. What is only looked at is not left to SQL, which would go on
// until it finds something.
const char* page_sql(const CertificateQuery& query) {
  if (query.certname) {
    return SELECT_CERTIFICATE "WHERE certificates.id IN (" IDS_OF_NAME(
        "?2") ") AND certificates.id > ?1 ORDER BY certificates.id";
  }
  if (query.state == CertificateState::revoked) {
    return SELECT_CERTIFICATE
        "WHERE certificates.id > ?1 AND revoked_at IS NOT NULL ORDER BY certificates.id";
  }
  return SELECT_CERTIFICATE "WHERE certificates.id > ?1 ORDER BY certificates.id";
}

}  // namespace

std::optional<CertificateRecord> select_certificate(Connection& db, const std::string& issuer,
                                                    ByteView serial) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE serial = ? AND issuers.key_id = ?");
  return first(db, row.bind(serial, issuer));
}

std::optional<CertificateRecord> select_certificate_by_serial(Connection& db, ByteView serial) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE serial = ? ORDER BY issuer_id LIMIT 1");
  return first(db, row.bind(serial));
}

std::optional<CertificateRecord> select_current_certificate(Connection& db,
                                                            const std::string& certname) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE certname = ? AND current = 1");
  return first(db, row.bind(certname));
}

std::vector<CertificateRecord> select_certificates_of(Connection& db, const std::string& certname) {
  std::vector<CertificateRecord> list;
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE certificates.id IN (" IDS_OF_NAME(
      "?1") ") ORDER BY certificates.id DESC");
  row.bind(certname);
  while (row.step()) list.push_back(read_certificate(db, row));
  return list;
}

std::optional<RequestRecord> select_request_of_certificate(Connection& db, std::int64_t id) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE certificates.id = ?");
  if (!row.bind(id).step()) return std::nullopt;
  return read_request(db, row);
}

std::vector<RequestRecord> select_requests_of_certificates(Connection& db,
                                                           const std::string& certname,
                                                           std::size_t limit) {
  std::vector<RequestRecord> list;
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE certificates.id IN (" IDS_OF_NAME(
      "?1") ") ORDER BY certificates.id DESC LIMIT ?2");
  // Between two that came by a request there may be renewals.
  row.bind(certname, static_cast<std::int64_t>(std::max(limit, kRequestsLookedAt)));
  while (list.size() < limit && row.step()) {
    auto request = read_request(db, row);
    if (request) list.push_back(std::move(*request));
  }
  return list;
}

CertificatePage select_certificates(Connection& db, const CertificateQuery& query, Timestamp now) {
  PageBounds bounds(query.limit);
  auto row = db.prepare(page_sql(query));
  if (query.certname) {
    row.bind(query.after, *query.certname);
  } else {
    row.bind(query.after);
  }
  CertificatePage page;
  while (row.step()) {
    CertificateRecord record = read_columns(row);
    const bool wanted = meets(record, query, now);
    if (bounds.over(wanted)) return page;
    page.next = row.integer(0);
    if (!wanted) continue;
    read_body(db, row, record);
    bounds.read();
    page.rows.push_back(std::move(record));
  }
  page.next = 0;
  return page;
}

std::vector<RevokedSerial> select_revoked(Connection& db, const std::string& issuer,
                                          Timestamp now) {
  std::vector<RevokedSerial> list;
  auto row = db.prepare(
      "SELECT serial, revoked_at, reason FROM revocations "
      "WHERE issuer_id = (SELECT id FROM issuers WHERE key_id = ?) "
      "AND not_after > ? ORDER BY serial");
  row.bind(issuer, now);
  while (row.step()) {
    list.push_back({row.blob(0), {row.time(1), static_cast<int>(row.integer(2))}});
  }
  return list;
}

std::vector<RevocationRecord> select_revocations(Connection& db, const std::string& issuer,
                                                 std::int64_t after, std::size_t limit) {
  std::vector<RevocationRecord> list;
  auto row = db.prepare(
      "SELECT sequence, serial, not_after, revoked_at, reason FROM revocations "
      "WHERE issuer_id = (SELECT id FROM issuers WHERE key_id = ?) "
      "AND sequence > ? ORDER BY sequence LIMIT ?");
  row.bind(issuer, after, static_cast<std::int64_t>(limit));
  while (row.step()) {
    list.push_back({row.integer(0),
                    row.blob(1),
                    row.time(2),
                    {row.time(3), static_cast<int>(row.integer(4))}});
  }
  return list;
}

}  // namespace countersign::store
