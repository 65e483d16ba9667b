#include "ca/live_policy.h"

#include <sys/stat.h>

#include "base/log.h"

namespace countersign::ca {

LivePolicy::LivePolicy(std::filesystem::path file, std::vector<std::string> profiles)
    : file_(std::move(file)),
      context_{.files = &system_files(), .profiles = std::move(profiles), .any_profile = false},
      current_(policy::RuleSet::empty(policy::Action::queue)) {}

std::shared_ptr<const policy::RuleSet> LivePolicy::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string LivePolicy::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::vector<LivePolicy::Version> LivePolicy::versions(const policy::RuleSet& rules) const {
  std::vector<std::filesystem::path> files = rules.files();
  files.push_back(file_);
  std::vector<Version> list;
  for (auto& path : files) {
    Version version{.file = path};
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      version.modified = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
      version.size = static_cast<std::uintmax_t>(status.st_size);
      version.inode = status.st_ino;
    }
    list.push_back(std::move(version));
  }
  return list;
}

Result<void> LivePolicy::reload() {
  if (file_.empty()) return {};
  const std::lock_guard one_at_a_time(loading_);
  // Taken before the read: a change during the read is seen as one more change.
  const auto before = versions(*current());
  auto loaded = policy::RuleSet::load(file_, context_);
  const std::lock_guard lock(mutex_);
  if (loaded.has_error()) {
    seen_ = before;
    error_ = loaded.error().detail;
    log::error("policy_refused", {{"file", file_.string()}, {"error", error_}});
    return loaded.error();
  }
  current_ = *loaded;
  error_.clear();
  seen_ = versions(*current_);
  log::info("policy_loaded", {{"file", file_.string()}, {"rules", current_->size()}});
  return {};
}

void LivePolicy::reload_if_changed() {
  if (file_.empty()) return;
  const auto now = versions(*current());
  {
    const std::lock_guard lock(mutex_);
    if (now == seen_) return;
  }
  const auto result = reload();  // an error is logged and kept there
  static_cast<void>(result.has_error());
}

}  // namespace countersign::ca
