#include "store/sqlite/certificate_rows.h"

#include <algorithm>

// The columns and read_certificate belong together.
#define SELECT_CERTIFICATE                                                                 \
  "SELECT certificates.id, issuers.key_id, serial, certname, der, not_before, not_after, " \
  "profile, rule, request_id, key, names, issued_at, current, revoked_at, revoked_reason " \
  "FROM certificates JOIN issuers ON issuers.id = certificates.issuer_id "

namespace countersign::store {
namespace {

CertificateRecord read_certificate(const Statement& row) {
  CertificateRecord record{.issuer = row.text(1),
                           .serial = row.blob(2),
                           .certname = row.text(3),
                           .der = row.blob(4),
                           .not_before = row.time(5),
                           .not_after = row.time(6),
                           .profile = row.text(7),
                           .rule = row.text(8),
                           .request_id = row.text(9),
                           .key = row.text(10),
                           .names = row.text(11),
                           .issued_at = row.time(12),
                           .current = row.integer(13) != 0};
  if (!row.null(14)) record.revocation = {row.time(14), static_cast<int>(row.integer(15))};
  return record;
}

std::optional<CertificateRecord> first(Statement& row) {
  if (!row.step()) return std::nullopt;
  return read_certificate(row);
}

// Which not_after a certificate may have to be listed: low <= not_after < high.
struct Lifetime {
  Timestamp low = Timestamp::min();
  Timestamp high = Timestamp::max();
};

Lifetime lifetime(const CertificateQuery& query, Timestamp now) {
  const Timestamp after_now = now + std::chrono::milliseconds(1);  // expired: now >= not_after
  Lifetime range;
  if (query.state == CertificateState::signed_) range.low = after_now;
  if (query.state == CertificateState::expired) range.high = after_now;
  if (query.expires_from) range.low = std::max(range.low, *query.expires_from);
  if (query.expires_before) range.high = std::min(range.high, *query.expires_before);
  return range;
}

// One text for each set of conditions that decides which index serves; the other conditions are
// ranges that are wide open when not asked for.
#define CERTIFICATES_AFTER(condition)                                  \
  SELECT_CERTIFICATE                                                   \
  "WHERE certificates.id > ?1 AND not_after >= ?2 AND not_after < ?3 " \
  "AND current BETWEEN ?4 AND ?5 " condition " ORDER BY certificates.id"
#define OF_NAME "AND certname = ?6 "
#define REVOKED "AND revoked_at IS NOT NULL "
#define NOT_REVOKED "AND revoked_at IS NULL "

const char* page_sql(const CertificateQuery& query) {
  if (!query.state) {
    return query.certname ? CERTIFICATES_AFTER(OF_NAME) : CERTIFICATES_AFTER("");
  }
  if (query.state == CertificateState::revoked) {
    return query.certname ? CERTIFICATES_AFTER(OF_NAME REVOKED) : CERTIFICATES_AFTER(REVOKED);
  }
  return query.certname ? CERTIFICATES_AFTER(OF_NAME NOT_REVOKED) : CERTIFICATES_AFTER(NOT_REVOKED);
}

}  // namespace

std::optional<CertificateRecord> select_certificate(Connection& db, const std::string& issuer,
                                                    ByteView serial) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE serial = ? AND issuers.key_id = ?");
  return first(row.bind(serial, issuer));
}

std::optional<CertificateRecord> select_certificate_by_serial(Connection& db, ByteView serial) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE serial = ? ORDER BY issuer_id LIMIT 1");
  return first(row.bind(serial));
}

std::optional<CertificateRecord> select_current_certificate(Connection& db,
                                                            const std::string& certname) {
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE certname = ? AND current = 1");
  return first(row.bind(certname));
}

std::vector<CertificateRecord> select_certificates_of(Connection& db, const std::string& certname) {
  std::vector<CertificateRecord> list;
  auto row = db.prepare(SELECT_CERTIFICATE "WHERE certname = ? ORDER BY certificates.id DESC");
  row.bind(certname);
  while (row.step()) list.push_back(read_certificate(row));
  return list;
}

CertificatePage select_certificates(Connection& db, const CertificateQuery& query, Timestamp now) {
  const std::size_t limit = std::max<std::size_t>(query.limit, 1);
  const Lifetime range = lifetime(query, now);
  const bool low = query.current.value_or(false);
  const bool high = query.current.value_or(true);
  auto row = db.prepare(page_sql(query));
  if (query.certname) {
    row.bind(query.after, range.low, range.high, low, high, *query.certname);
  } else {
    row.bind(query.after, range.low, range.high, low, high);
  }
  CertificatePage page;
  std::int64_t last = 0;
  while (row.step()) {
    if (query.match && !query.match(row.text(3))) continue;
    if (page.rows.size() == limit) {
      page.next = last;
      break;
    }
    last = row.integer(0);
    page.rows.push_back(read_certificate(row));
  }
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
