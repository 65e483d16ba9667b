// An audit as it ought to be, to be damaged.
#ifndef COUNTERSIGN_TESTS_CA_AUDIT_HISTORY_H_
#define COUNTERSIGN_TESTS_CA_AUDIT_HISTORY_H_

#include <string>
#include <vector>

#include "ca/audit_checkpointer.h"
#include "store/audit_chain.h"
#include "x509/digest.h"

namespace countersign::ca::testing {

inline const x509::PrivateKey& audit_private_key() {
  static const auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
  return key;
}
inline std::shared_ptr<const x509::Signer> audit_signer() {
  static const std::shared_ptr<const x509::Signer> signer =
      x509::make_signer(x509::PrivateKey::from_pem(audit_private_key().to_pem(""), "").value());
  return signer;
}
inline Timestamp audit_time(std::int64_t second) { return Timestamp(std::chrono::seconds(second)); }

struct AuditHistory {
  std::vector<store::AuditRecord> rows;
  std::vector<store::AuditCheckpoint> checkpoints;

  store::AuditRecord& row(std::int64_t number) {
    return rows.at(static_cast<std::size_t>(number - 1));
  }
  // Gives rows from `first` on the hashes that they would have.
  void chain_from(std::int64_t first) {
    for (auto i = static_cast<std::size_t>(first - 1); i < rows.size(); ++i) {
      rows[i].hash = store::chain_hash(x509::sha256,
                                       i == 0 ? store::chain_start() : rows[i - 1].hash, rows[i]);
    }
  }
};

// Rows 1 to `count`, with a checkpoint at every tenth.
inline AuditHistory audit_history(std::int64_t count) {
  AuditHistory history;
  for (std::int64_t i = 1; i <= count; ++i) {
    history.rows.push_back({.sequence = i,
                            .at = audit_time(1000 + i),
                            .action = "issue",
                            .actor = "operator:ops",
                            .source = "192.0.2.7",
                            .subject = "host-" + std::to_string(i),
                            .serial = "5A",
                            .detail = R"({"rule":"web"})",
                            .request_id = "r" + std::to_string(i)});
  }
  history.chain_from(1);
  for (std::int64_t i = 10; i <= count; i += 10) {
    history.checkpoints.push_back(
        sign_checkpoint(*audit_signer(), history.row(i), audit_time(2000 + i)).value());
  }
  return history;
}

}  // namespace countersign::ca::testing

#endif  // COUNTERSIGN_TESTS_CA_AUDIT_HISTORY_H_
