// The reads of certificates and revocations as SQL. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_CERTIFICATE_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_CERTIFICATE_ROWS_H_

#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// The reads of store.h by the same names. All throw SqliteError.
std::optional<CertificateRecord> select_certificate(Connection& db, const std::string& issuer,
                                                    ByteView serial);
std::optional<CertificateRecord> select_certificate_by_serial(Connection& db, ByteView serial);
std::optional<CertificateRecord> select_current_certificate(Connection& db,
                                                            const std::string& certname);
std::vector<CertificateRecord> select_certificates_of(Connection& db, const std::string& certname);
CertificatePage select_certificates(Connection& db, const CertificateQuery& query, Timestamp now);
// The request that lies with the certificate of this row; nullopt if it is not as it was written.
std::optional<RequestRecord> select_request_of_certificate(Connection& db, std::int64_t id);
// At most `limit` of those that lie with the newest certificates of the name, newest first.
std::vector<RequestRecord> select_requests_of_certificates(Connection& db,
                                                           const std::string& certname,
                                                           std::size_t limit);
std::vector<RevokedSerial> select_revoked(Connection& db, const std::string& issuer, Timestamp now);
std::vector<RevocationRecord> select_revocations(Connection& db, const std::string& issuer,
                                                 std::int64_t after, std::size_t limit);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_CERTIFICATE_ROWS_H_
