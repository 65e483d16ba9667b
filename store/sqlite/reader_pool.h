// The connections that read. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_READER_POOL_H_
#define COUNTERSIGN_STORE_SQLITE_READER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace countersign::store {

// Thread-safe. At most `limit` read-only connections, opened when first needed and lent to one
// thread at a time; who comes when all are lent waits until one is back.
class ReaderPool {
 public:
  ReaderPool(std::filesystem::path file, std::size_t limit);

  // What `read(Connection&)` returns; unavailable if it, or the opening, threw SqliteError.
  template <class Read>
  auto use(Read read) -> Result<decltype(read(std::declval<Connection&>()))> {
    try {
      Loan loan(*this);
      auto value = read(loan.connection());
      loan.done();
      return value;
    } catch (const SqliteError& error) {
      return failure(error);
    }
  }

  // No connection of before is used by a later read: the file may have been replaced.
  void refresh();

 private:
  // A connection whose read did not come to its end is closed, not lent again.
  class Loan {
   public:
    explicit Loan(ReaderPool& pool);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Connection& connection() { return *connection_; }
    void done() { intact_ = true; }

   private:
    ReaderPool& pool_;
    std::unique_ptr<Connection> connection_;
    std::size_t generation_ = 0;
    bool intact_ = false;
  };

  static Error failure(const SqliteError& error);

  const std::filesystem::path file_;
  const std::size_t limit_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> free_;
  std::size_t lent_ = 0;
  std::size_t generation_ = 0;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_READER_POOL_H_
