// The table of enrolment tokens. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_ENROLMENT_TOKEN_ROWS_H_
#define COUNTERSIGN_STORE_SQLITE_ENROLMENT_TOKEN_ROWS_H_

#include <optional>
#include <string>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace countersign::store {

std::optional<EnrolmentTokenRecord> select_enrolment_token(Connection& db, const std::string& id);
std::optional<EnrolmentTokenRecord> select_enrolment_token_by_hash(Connection& db, ByteView hash);
EnrolmentTokenPage select_enrolment_tokens(Connection& db, const EnrolmentTokenQuery& query);

// As store.h says of the mutations.
Result<void> apply_one(Connection& db, const InsertEnrolmentToken& m);
Result<void> apply_one(Connection& db, const RedeemEnrolmentToken& m);
Result<void> apply_one(Connection& db, const RevokeEnrolmentToken& m);

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_ENROLMENT_TOKEN_ROWS_H_
