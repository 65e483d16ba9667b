// Audit rows and checkpoints as lines of JSON: what REST answers, `audit export` writes, and
// `audit verify --file` reads.
#ifndef COUNTERSIGN_CA_AUDIT_LINE_H_
#define COUNTERSIGN_CA_AUDIT_LINE_H_

#include <boost/json/object.hpp>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "store/records.h"

namespace countersign::ca {

// The longest line that is read.
inline constexpr std::size_t kAuditLineBytes = std::size_t{4} << 20;

// Every field exactly as it was hashed: times with milliseconds, `detail` as text, bytes in hex.
boost::json::object audit_object(const store::AuditRecord& row);
// {"checkpoint": {…}}
boost::json::object audit_object(const store::AuditCheckpoint& checkpoint);

using AuditLine = std::variant<store::AuditRecord, store::AuditCheckpoint>;
// Takes what audit_object writes and nothing else: an unknown member, or a time or a number in
// another form, is malformed, so that nothing that a reader sees escapes the hash. too_large over
// kAuditLineBytes.
Result<AuditLine> parse_audit_line(std::string_view line);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AUDIT_LINE_H_
