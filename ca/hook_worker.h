// One hook and the thread that serves it. Internal to Hooks.
#ifndef COUNTERSIGN_CA_HOOK_WORKER_H_
#define COUNTERSIGN_CA_HOOK_WORKER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "ca/expiry_sweep.h"
#include "ca/hook_delivery.h"
#include "ca/hooks.h"

namespace countersign::ca {

// What a hook works with.
struct HookParts {
  store::Store& store;
  store::Committer& committer;
  const Clock& clock;
  const Random& random;
  const HttpsClient& https;
};

class HookWorker {
 public:
  HookWorker(std::string name, HookSettings settings, HookParts parts);
  ~HookWorker();
  HookWorker(const HookWorker&) = delete;
  HookWorker& operator=(const HookWorker&) = delete;

  bool wants(HookEvent event, const HookSubject& subject) const;
  store::InsertHookEvent row(HookEvent event, const HookSubject& subject) const;

  void start();
  void wake();
  void stop();
  void join();
  bool failing() const;

 private:
  using Steady = std::chrono::steady_clock;

  void run();
  // True: there may be more to do at once.
  bool round();
  bool attempt(const store::HookEventRecord& event);
  // What became of its events so far. Blocks for a read.
  Result<store::HookTally> tally() const;
  void tell_of_dropped();
  // A page of the certificates that come under expiring_before. True: more pages follow.
  bool tell_of_expiring();

  const std::string name_;
  const HookSettings settings_;
  const store::NameFilter match_;
  const ExpirySweep sweep_;
  const HookParts parts_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards woken_
  std::condition_variable changed_;
  bool woken_ = false;
  std::atomic<std::int64_t> failures_{0};  // in a row, of the endpoint; written by the thread
  // Of the thread.
  Steady::time_point paused_until_{};
  Steady::time_point next_sweep_{};
  Steady::time_point next_look_{};
  std::int64_t dropped_ = -1;  // when it was looked last; -1: not yet
  std::thread thread_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_HOOK_WORKER_H_
