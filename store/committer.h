// The one writer: gathers batches that wait and commits them together.
#ifndef COUNTERSIGN_STORE_COMMITTER_H_
#define COUNTERSIGN_STORE_COMMITTER_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/store.h"

namespace countersign::store {

// Thread-safe. Owns the writer thread. Batching comes from load itself: a group (at most 256
// batches) gathers while the one before is being synced, and until the round of who came first is
// over, `longest_round` at most. So who is busy pays for few syncs, and who is alone waits for
// nobody.
class Committer {
 public:
  // At most `limit` batches wait; more are refused with overloaded.
  Committer(Store& store, std::size_t limit,
            std::chrono::milliseconds longest_round = std::chrono::milliseconds(5));
  ~Committer();  // commits what waits
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // When a group is full that begins with this batch.
  enum class Round {
    of_loop,  // when the caller's event loop has done what is ready now
    longest,  // after `longest_round`: the caller knows of work elsewhere that will end in a commit
  };
  // Resumes on the caller's executor, after the batch is durable or refused.
  boost::asio::awaitable<Result<void>> commit(WriteBatch batch, Round round = Round::of_loop);
  // The same for code that is no coroutine; blocks.
  Result<void> commit_blocking(WriteBatch batch);

  // False after a commit of unknown outcome until the store could be reopened, which is tried twice
  // a second whether or not somebody writes. Till then every commit is unavailable.
  bool healthy() const;
  // Why it is not: what the engine said, for people. "" while healthy.
  std::string problem() const;
  // How many groups were committed, or tried: who waits for a change looks at the store again when
  // this has changed.
  std::uint64_t commits() const;

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_COMMITTER_H_
