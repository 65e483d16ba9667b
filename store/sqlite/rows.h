// Between rows and records. The column lists and the readers belong together. Internal.
#ifndef COUNTERSIGN_STORE_SQLITE_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_ROWS_H_

#include "store/records.h"
#include "store/sqlite/connection.h"

#define COUNTERSIGN_CERTIFICATE_COLUMNS                                                            \
  "certificates.id, issuers.key_id, serial, certname, der, not_before, not_after, profile, rule, " \
  "request_id, key, names, issued_at, current, revoked_at, revoked_reason "                        \
  "FROM certificates JOIN issuers ON issuers.id = certificates.issuer_id "
#define COUNTERSIGN_REQUEST_COLUMNS                                                         \
  "id, certname, csr, csr_sha256, state, rule, reason, trace, permitted, profile, source, " \
  "caller, "                                                                                \
  "key, names, created_at, decided_at, decided_by, issuer, serial FROM requests "
#define COUNTERSIGN_TOKEN_COLUMNS \
  "id, hash, role, label, created_by, created_at, expires_at, revoked_at FROM tokens "

namespace countersign::store {

inline std::optional<Timestamp> optional_time(const Statement& row, int column) {
  if (row.null(column)) return std::nullopt;
  return row.time(column);
}

inline CertificateRecord read_certificate(const Statement& row) {
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

inline RequestRecord read_request(const Statement& row) {
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
          .created_at = row.time(14),
          .decided_at = optional_time(row, 15),
          .decided_by = row.text(16),
          .issuer = row.text(17),
          .serial = row.blob(18)};
}

inline TokenRecord read_token(const Statement& row) {
  return {.id = row.text(0),
          .hash = row.blob(1),
          .role = row.text(2),
          .label = row.text(3),
          .created_by = row.text(4),
          .created_at = row.time(5),
          .expires_at = optional_time(row, 6),
          .revoked_at = optional_time(row, 7)};
}

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_ROWS_H_
