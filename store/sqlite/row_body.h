// What the body of a row holds. Internal to store/sqlite.
//
// The columns of a table are what SQL chooses, orders and constrains by. All else of a row is in
// its body. A certificate and the request that was signed at once share one, in the row of the
// certificate: they have key and name in common.
#ifndef COUNTERSIGN_STORE_SQLITE_ROW_BODY_H_
#define COUNTERSIGN_STORE_SQLITE_ROW_BODY_H_

#include <optional>

#include "base/bytes.h"
#include "store/records.h"

namespace countersign::store {

// `request` is null, or the one by which the certificate came: signed, its id request_id, its name,
// issuer and serial those of the certificate.
Bytes certificate_body(const CertificateRecord& certificate, const RequestRecord* request);

// Fills the fields of `certificate` that are no columns; the columns must be filled already. What
// it returns is the request, if there is one in the body. Throws SqliteError(SQLITE_CORRUPT).
std::optional<RequestRecord> read_certificate_body(ByteView plain, CertificateRecord& certificate);

// Of a request that has a row of its own: what the queue is neither filtered nor ordered by.
Bytes request_body(const RequestRecord& request);
void read_request_body(ByteView plain, RequestRecord& request);  // throws as above

// Of an audit row: all texts but the action. `with_subject` unless the subject is a column.
Bytes audit_body(const AuditRecord& row, bool with_subject);
// Fills those that are still empty: what stands in a column was not written there by the program,
// and must show. Throws as above.
void read_audit_body(ByteView plain, AuditRecord& row);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_ROW_BODY_H_
