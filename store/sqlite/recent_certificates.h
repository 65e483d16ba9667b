// The certificates of the last commits, in memory: a machine asks for its own right after it was
// signed. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_RECENT_CERTIFICATES_H_
#define COUNTERSIGN_STORE_SQLITE_RECENT_CERTIFICATES_H_

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "store/store.h"

namespace countersign::store {

// Thread-safe. Right as long as every commit to the file is told of here, in their order, after it
// is durable and before anybody hears of it: the file has one writer, of one process.
class RecentCertificates {
 public:
  // At most `limit` certificates; the oldest make room.
  explicit RecentCertificates(std::size_t limit) : limit_(limit) {}

  // What the store's current_certificate() says. Nothing: ask the file.
  std::optional<CertificateRecord> current(const std::string& certname) const;

  // Batches of a commit, each with what became of it.
  void committed(std::span<const WriteBatch> batches, std::span<const Result<void>> results);
  // The file holds nobody knows what.
  void forget();

 private:
  void note(const CertificateRecord& certificate);
  void drop(const std::string& certname);

  const std::size_t limit_;
  mutable std::mutex mutex_;  // guards the rest
  std::unordered_map<std::string, CertificateRecord> by_name_;
  std::map<std::pair<std::string, Bytes>, std::string> names_of_serials_;  // by issuer and serial
  std::deque<std::string> names_;  // as they came; some were dropped since
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_RECENT_CERTIFICATES_H_
