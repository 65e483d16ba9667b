#include "ca/live_policy.h"

#include <sys/stat.h>
#include <time.h>

#include "base/log.h"

namespace countersign::ca {
namespace {

// The clock of file times, which the kernel moves on in ticks.
std::int64_t filesystem_now() {
  constexpr std::int64_t kTick = 20'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec - kTick;
}

}  // namespace

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
      version.changed = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
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
  const auto before = versions(*current());
  const std::int64_t begin = filesystem_now();
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
  for (Version& version : seen_) {
    // It may have changed after it was read: left blank, it is read once more.
    if (version.changed >= begin) version = {.file = version.file};
  }
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
