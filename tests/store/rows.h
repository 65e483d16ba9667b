// Rows with every field set to something of its own, and a folder to keep them in.
#ifndef COUNTERSIGN_TESTS_STORE_ROWS_H_
#define COUNTERSIGN_TESTS_STORE_ROWS_H_

#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>

#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/digest.h"

namespace countersign {

inline void PrintTo(Code code, std::ostream* out) { *out << to_string(code); }

}  // namespace countersign

namespace countersign::store {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The engines as the service opens them.
inline Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& file) {
  return open_sqlite_store(file, x509::sha256);
}
inline std::unique_ptr<Store> make_memory_store() { return make_memory_store(x509::sha256); }

inline Timestamp at(std::int64_t seconds) { return Timestamp(std::chrono::seconds(seconds)); }

inline Bytes serial(int number) {
  return {0x51, static_cast<std::uint8_t>(number / 256), static_cast<std::uint8_t>(number % 256)};
}

inline IssuerRecord issuer(const std::string& id = "CA1") {
  return {id, "CA " + id, to_bytes(as_bytes("certificate of " + id))};
}

// Valid from 1000 s to 5000 s.
inline CertificateRecord certificate(const std::string& certname, int number) {
  return {.issuer = "CA1",
          .serial = serial(number),
          .certname = certname,
          .der = {0x30, 0x00, static_cast<std::uint8_t>(number)},
          .not_before = at(1000),
          .not_after = at(5000),
          .profile = "agent",
          .rule = "web tier",
          .request_id = "R" + std::to_string(number),
          .key = "ec:P-256",
          .names = "DNS:" + certname,
          .issued_at = at(1001)};
}

inline RequestRecord request(const std::string& id, const std::string& certname) {
  return {.id = id,
          .certname = certname,
          .csr = to_bytes(as_bytes("csr " + id)),
          .rule = "rule",
          .reason = "no rule matched",
          .trace = "[]",
          .grant = R"({"dns":[]})",
          .profile = "agent",
          .source = "192.0.2.1",
          .caller = "anonymous",
          .key = "rsa:2048",
          .names = "DNS:" + certname,
          .token = "E-" + id,
          .identity = R"({"provider":"aws"})",
          .reuse = "replace",
          .retry_at = at(950),
          .created_at = at(900)};
}

inline TokenRecord token(const std::string& id) {
  return {.id = id,
          .hash = to_bytes(as_bytes("hash of " + id)),
          .role = "pipeline",
          .label = "label of " + id,
          .scope = R"({"certnames":["ci-*"]})",
          .created_by = "operator",
          .created_at = at(10),
          .expires_at = at(4000)};
}

inline EnrolmentTokenRecord enrolment_token(const std::string& id, const std::string& certname) {
  return {.id = id,
          .hash = to_bytes(as_bytes("hash of " + id)),
          .certname = certname,
          .bounds = R"({"certname":"web"})",
          .label = "label of " + id,
          .uses = 2,
          .created_by = "operator",
          .created_at = at(10),
          .expires_at = at(4000)};
}

// It has the certificate with this serial.
inline InstanceRecord instance(const std::string& subject, int number) {
  return {.kind = "aws",
          .subject = subject,
          .key_sha256 = to_bytes(as_bytes("hash of its key")),
          .certname = "web",
          .issuer = "CA1",
          .serial = serial(number),
          .bound_at = at(1234)};
}

inline AuditRecord audit_row(const std::string& action, const std::string& subject) {
  return {.at = at(77),
          .action = action,
          .actor = "operator",
          .source = "192.0.2.9",
          .subject = subject,
          .serial = "5100",
          .detail = R"({"why":"x"})",
          .request_id = "http-1"};
}

// The row as a store keeps it, after the row `before`; null: as the first.
inline AuditRecord chained(AuditRecord row, const AuditRecord* before) {
  row.sequence = before == nullptr ? 1 : before->sequence + 1;
  row.hash = chain_hash(x509::sha256, before == nullptr ? chain_start() : before->hash, row);
  return row;
}

inline AuditCheckpoint checkpoint(std::int64_t sequence) {
  return {.sequence = sequence,
          .hash = to_bytes(as_bytes("hash of " + std::to_string(sequence))),
          .at = at(88),
          .key = "A1",
          .signature = {0x30, 0x01}};
}

inline CrlRecord crl(std::uint64_t number, const std::string& issuer_id = "CA1") {
  return {issuer_id, number, at(100), at(200), {0x30, static_cast<std::uint8_t>(number)}};
}

// What became of one batch applied alone: nothing if it was done, else the code of its failure.
inline std::optional<Code> outcome(Store& store, WriteBatch batch) {
  const auto results = store.apply({&batch, 1});
  if (results.size() != 1) return Code::internal;
  if (results.front().has_value()) return std::nullopt;
  return results.front().error().code;
}

constexpr std::optional<Code> kDone = std::nullopt;

inline HookEventRecord hook_event(const std::string& hook, const std::string& subject,
                                  const std::string& id = "H1") {
  HookEventRecord event;
  event.id = id;
  event.hook = hook;
  event.subject = subject;
  event.event = "queued";
  event.body = R"({"version":1})";
  event.created_at = at(1000);
  event.next_at = at(1000);
  return event;
}

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_ROWS_H_
