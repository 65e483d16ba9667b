#include "base/worker_pool.h"

namespace countersign {

WorkerPool::WorkerPool(std::size_t threads, std::size_t limit, std::chrono::milliseconds patience)
    : limit_(limit), patience_(patience) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work_off(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

bool WorkerPool::has_time_for(Lane lane) {
  if (lane == Lane::goes_on) return true;
  const std::lock_guard lock(mutex_);
  return line_.expected_wait(std::chrono::steady_clock::now()) <= patience_ / 2;
}

void WorkerPool::push(Lane lane, std::unique_ptr<Piece> piece) {
  {
    const std::lock_guard lock(mutex_);
    line_.push(lane, std::move(piece), std::chrono::steady_clock::now());
  }
  changed_.notify_one();
}

void WorkerPool::work_off() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !line_.empty(); });
    if (line_.empty()) return;
    auto turn = line_.pop(std::chrono::steady_clock::now());
    lock.unlock();
    turn.piece->run(turn.waited > patience_);
    turn.piece.reset();
    lock.lock();
  }
}

}  // namespace countersign
