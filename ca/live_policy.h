// The policy that is in force, and its replacement when the file changes.
#ifndef COUNTERSIGN_CA_LIVE_POLICY_H_
#define COUNTERSIGN_CA_LIVE_POLICY_H_

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "ca/file_version.h"
#include "policy/rule_set.h"

namespace countersign::ca {

// Thread-safe.
class LivePolicy {
 public:
  // `file` empty: no rules, everything is queued.
  LivePolicy(std::filesystem::path file, std::vector<std::string> profiles,
             std::vector<std::string> deciders = {});

  std::shared_ptr<const policy::RuleSet> current() const;
  // Loads the file anew. On an error the old policy stays, and error() tells.
  Result<void> reload();
  // reload() if the file, or an allowlist that it names, changed since the last load. Blocks.
  void reload_if_changed();
  std::string error() const;

 private:
  std::vector<FileVersion> versions(const policy::RuleSet& rules) const;

  const std::filesystem::path file_;
  const policy::LoadContext context_;
  std::mutex loading_;        // one load at a time
  mutable std::mutex mutex_;  // guards the rest
  std::shared_ptr<const policy::RuleSet> current_;
  std::vector<FileVersion> seen_;
  std::string error_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_LIVE_POLICY_H_
