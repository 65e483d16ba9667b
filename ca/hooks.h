// Tells a site's webhooks and programs what happens to requests and certificates.
#ifndef COUNTERSIGN_CA_HOOKS_H_
#define COUNTERSIGN_CA_HOOKS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/https_client.h"
#include "base/random.h"
#include "ca/hook_event.h"
#include "ca/hook_settings.h"
#include "store/committer.h"
#include "store/store.h"

namespace countersign::ca {

class HookWorker;

// An event is a row that is written in the commit of what it tells of, and stays until it was
// delivered: at least once, whatever stops in between, and in order for each certname. Each hook
// has a thread of its own, so that one that hangs holds up no other. Thread-safe.
class Hooks {
 public:
  // Throws std::runtime_error for a `match` that is no regular expression.
  Hooks(const std::map<std::string, HookSettings>& settings, store::Store& store,
        store::Committer& committer, const Clock& clock, const Random& random,
        const HttpsClient& https);
  ~Hooks();
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  // Adds to the batch a row for each hook that is to be told.
  void announce(HookEvent event, const HookSubject& subject, store::WriteBatch& batch) const;
  // A batch was committed: delivers at once what it announced. Without it that takes a second.
  void wake();

  void start();  // begins to deliver
  void stop();   // ends it; what is on its way within a second, but for a program
  void join();   // after stop(): until the last thread has ended

  // Those to which nothing could be delivered several times in a row.
  std::vector<std::string> failing() const;
  // Of the hooks that are configured, also those that were told nothing yet. Blocks for a read.
  Result<std::vector<store::HookTally>> tallies() const;

 private:
  const store::Store& store_;
  std::map<std::string, std::unique_ptr<HookWorker>> workers_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_HOOKS_H_
