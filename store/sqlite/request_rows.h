// The reads of requests as SQL. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_REQUEST_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_REQUEST_ROWS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

// The reads of store.h by the same names. All throw SqliteError.
std::optional<RequestRecord> select_request(Connection& db, const std::string& id);
std::optional<RequestRecord> select_queued_request(Connection& db, const std::string& certname);
bool is_name_known(Connection& db, const std::string& certname);
std::optional<RequestRecord> select_request_by_csr(Connection& db, const std::string& certname,
                                                   ByteView csr);
std::vector<RequestRecord> select_requests_of(Connection& db, const std::string& certname,
                                              std::size_t limit);
RequestPage select_requests(Connection& db, const RequestQuery& query);
std::vector<RequestRecord> select_stale_requests(Connection& db, Timestamp before,
                                                 std::size_t limit);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_REQUEST_ROWS_H_
