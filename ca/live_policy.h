// The policy that is in force, and its replacement when the file changes.
#ifndef COUNTERSIGN_CA_LIVE_POLICY_H_
#define COUNTERSIGN_CA_LIVE_POLICY_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ca/file_version.h"
#include "ca/policy_reload.h"
#include "policy/rule_set.h"

namespace countersign::ca {

// Thread-safe.
class LivePolicy {
 public:
  // What a policy would change against the one in force; `refusal` of it is "" if that is not too
  // much. Called outside of the lock on current(), one call at a time.
  using Judge = std::function<Result<PolicyReload>(std::shared_ptr<const policy::RuleSet> in_force,
                                                   std::shared_ptr<const policy::RuleSet> fresh)>;

  // `file` empty: no rules, everything is queued.
  explicit LivePolicy(std::filesystem::path file, policy::LoadContext context = {});

  // From now on a file is judged before it is taken. Before the first use by other threads.
  void guard_by(Judge judge) { judge_ = std::move(judge); }

  std::shared_ptr<const policy::RuleSet> current() const;
  // Loads the file anew. On an error, and if the judge refuses it, the old policy stays, and
  // error() tells. What was refused once is not judged again until file or lists change. With
  // `force` it is taken all the same, but only what was judged before, as it was then.
  Result<PolicyReload> load(const ReloadOrder& order);
  Result<void> reload();
  // reload() if the file, or an allowlist that it names, changed since the last load. Blocks.
  void reload_if_changed();
  std::string error() const;

 private:
  struct Loaded;
  std::vector<FileVersion> versions(const policy::RuleSet& rules) const;
  Result<Loaded> read() const;
  Result<PolicyReload> judged(const Loaded& loaded, const ReloadOrder& order);
  void refuse(const std::string& why, std::vector<FileVersion> seen);

  const std::filesystem::path file_;
  const policy::LoadContext context_;
  Judge judge_;
  std::mutex loading_;                   // one load at a time; guards the next two
  std::string digest_;                   // of what is in force
  std::optional<PolicyReload> refused_;  // the last that the judge refused
  mutable std::mutex mutex_;             // guards the rest
  std::shared_ptr<const policy::RuleSet> current_;
  std::shared_ptr<const policy::RuleSet> watched_;  // whose lists are looked at
  std::vector<FileVersion> seen_;
  std::string error_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_LIVE_POLICY_H_
