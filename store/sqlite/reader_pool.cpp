#include "store/sqlite/reader_pool.h"

namespace countersign::store {

ReaderPool::ReaderPool(std::filesystem::path file, std::size_t limit)
    : file_(std::move(file)), limit_(limit) {}

void ReaderPool::refresh() {
  std::vector<std::unique_ptr<Connection>> old;  // declared first, so closed after the lock
  const std::lock_guard lock(mutex_);
  ++generation_;
  old.swap(free_);
}

Error ReaderPool::failure(const SqliteError& error) {
  return fail(Code::unavailable, "The store cannot be used now; see the log.", error.what());
}

ReaderPool::Loan::Loan(ReaderPool& pool) : pool_(pool) {
  {
    std::unique_lock lock(pool_.mutex_);
    pool_.returned_.wait(lock, [this] { return pool_.lent_ < pool_.limit_; });
    ++pool_.lent_;
    generation_ = pool_.generation_;
    if (!pool_.free_.empty()) {
      connection_ = std::move(pool_.free_.back());
      pool_.free_.pop_back();
      return;
    }
  }
  try {
    connection_ = std::make_unique<Connection>(pool_.file_, Connection::Mode::read_only);
  } catch (...) {
    {
      const std::lock_guard lock(pool_.mutex_);
      --pool_.lent_;
    }
    pool_.returned_.notify_one();
    throw;
  }
}

ReaderPool::Loan::~Loan() {
  if (!intact_) connection_.reset();
  {
    const std::lock_guard lock(pool_.mutex_);
    --pool_.lent_;
    if (connection_ && generation_ == pool_.generation_) {
      pool_.free_.push_back(std::move(connection_));
    }
  }
  pool_.returned_.notify_one();
}

}  // namespace countersign::store
