#include "ca/live_policy.h"

#include "base/log.h"

namespace countersign::ca {

LivePolicy::LivePolicy(std::filesystem::path file, std::vector<std::string> profiles,
                       std::vector<std::string> deciders)
    : file_(std::move(file)),
      context_{.files = &system_files(),
               .profiles = std::move(profiles),
               .deciders = std::move(deciders),
               .any_profile = false},
      current_(policy::RuleSet::empty(policy::Action::queue)) {}

std::shared_ptr<const policy::RuleSet> LivePolicy::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string LivePolicy::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::vector<FileVersion> LivePolicy::versions(const policy::RuleSet& rules) const {
  std::vector<std::filesystem::path> files = rules.files();
  files.push_back(file_);
  std::vector<FileVersion> list;
  list.reserve(files.size());
  for (const auto& path : files) list.push_back(version_of(path));
  return list;
}

Result<void> LivePolicy::reload() {
  if (file_.empty()) return {};
  const std::lock_guard one_at_a_time(loading_);
  const auto before = versions(*current());
  const ReadBegin begin;
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
  for (FileVersion& version : seen_) version = begin.since(std::move(version));
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
