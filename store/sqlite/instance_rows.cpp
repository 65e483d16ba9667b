#include "store/sqlite/instance_rows.h"

namespace countersign::store {

std::optional<InstanceRecord> select_instance(Connection& db, const std::string& kind,
                                              const std::string& subject) {
  auto row = db.prepare(
      "SELECT kind, subject, key_sha256, certname, issuer, serial, bound_at FROM instances "
      "WHERE kind = ? AND subject = ?");
  if (!row.bind(kind, subject).step()) return std::nullopt;
  return InstanceRecord{.kind = row.text(0),
                        .subject = row.text(1),
                        .key_sha256 = row.blob(2),
                        .certname = row.text(3),
                        .issuer = row.text(4),
                        .serial = row.blob(5),
                        .bound_at = row.time(6)};
}

Result<void> apply_one(Connection& db, const BindInstance& m) {
  const InstanceRecord& i = m.instance;
  auto bound = db.prepare("SELECT serial FROM instances WHERE kind = ? AND subject = ?");
  const Bytes serial = bound.bind(i.kind, i.subject).step() ? bound.blob(0) : Bytes();
  if (serial != m.expected) {
    return fail(Code::conflict, "The instance got another certificate meanwhile.");
  }
  db.prepare(
        "REPLACE INTO instances (kind, subject, key_sha256, certname, issuer, serial, bound_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .bind(i.kind, i.subject, i.key_sha256, i.certname, i.issuer, i.serial, i.bound_at)
      .run();
  return {};
}

}  // namespace countersign::store
