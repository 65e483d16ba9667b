#include "ca/live_policy.h"

#include "base/log.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

// Reads the machine's files and remembers what was in them: a name and a date can be the same of
// two contents.
class DigestedFiles final : public FileSystem {
 public:
  Result<std::string> read(const std::filesystem::path& path, std::size_t limit) const override {
    auto text = system_files().read(path, limit);
    if (text.has_error()) return text;
    digests_ += path.string() + '\0' + to_hex(x509::sha256(as_bytes(*text))) + '\n';
    return text;
  }
  Result<void> write(const std::filesystem::path&, std::string_view, mode_t) const override {
    return fail(Code::unavailable, "a policy writes nothing");
  }
  std::string digest() const { return to_hex(x509::sha256(as_bytes(digests_))); }

 private:
  mutable std::string digests_;
};

}  // namespace

struct LivePolicy::Loaded {
  std::shared_ptr<const policy::RuleSet> rules;
  std::string digest;
  std::vector<FileVersion> seen;
};

LivePolicy::LivePolicy(std::filesystem::path file, policy::LoadContext context)
    : file_(std::move(file)),
      context_(std::move(context)),
      current_(policy::RuleSet::empty(policy::Action::queue)),
      watched_(current_) {}

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

Result<LivePolicy::Loaded> LivePolicy::read() const {
  const ReadBegin begin;
  const DigestedFiles files;
  policy::LoadContext context = context_;
  context.files = &files;
  auto rules = policy::RuleSet::load(file_, context);
  if (rules.has_error()) return rules.error();
  Loaded loaded{std::move(*rules), files.digest(), {}};
  for (FileVersion& version : versions(*loaded.rules)) {
    loaded.seen.push_back(begin.since(std::move(version)));
  }
  return loaded;
}

// refusal "" if it may be taken.
Result<PolicyReload> LivePolicy::judged(const Loaded& loaded, const ReloadOrder& order) {
  PolicyReload fresh;
  fresh.digest = loaded.digest;
  if (!judge_ || loaded.digest == digest_) return fresh;
  const bool known = refused_ && refused_->digest == loaded.digest;
  if (known) fresh = *refused_;
  if (known && order.force && (order.digest.empty() || order.digest == loaded.digest)) {
    fresh.forced = true;
    fresh.refusal.clear();
    return fresh;
  }
  if (!known) {
    auto answer = judge_(current(), loaded.rules);
    if (answer.has_error()) return answer.error();
    fresh = std::move(*answer);
    fresh.digest = loaded.digest;
    if (order.force && !fresh.refusal.empty()) {
      fresh.refusal =
          "The file is not the one that was judged before: look at what it changes, and force it "
          "again if that is meant. " +
          fresh.refusal;
    }
  }
  return fresh;
}

void LivePolicy::refuse(const std::string& why, std::vector<FileVersion> seen) {
  const std::lock_guard lock(mutex_);
  const bool told = error_ == why;
  seen_ = std::move(seen);
  error_ = why;
  if (!told) log::error("policy_refused", {{"file", file_.string()}, {"error", error_}});
}

Result<PolicyReload> LivePolicy::load(const ReloadOrder& order) {
  if (file_.empty()) return PolicyReload();
  const std::lock_guard one_at_a_time(loading_);
  auto before = versions(*watched_);
  auto loaded = read();
  if (loaded.has_error()) {
    refuse(loaded.error().detail, std::move(before));
    return loaded.error();
  }
  auto fresh = judged(*loaded, order);
  if (fresh.has_error()) {
    refuse("The new policy cannot be judged, and is not taken: " + fresh.error().detail,
           std::move(before));
    return fresh.error();
  }
  fresh->rules = loaded->rules->size();
  if (!fresh->refusal.empty()) {
    refused_ = *fresh;
    {
      const std::lock_guard lock(mutex_);
      watched_ = loaded->rules;
    }
    refuse(fresh->refusal, std::move(loaded->seen));
    return fresh;
  }
  refused_.reset();
  digest_ = loaded->digest;
  const std::lock_guard lock(mutex_);
  current_ = watched_ = loaded->rules;
  error_.clear();
  seen_ = std::move(loaded->seen);
  log::info("policy_loaded", {{"file", file_.string()}, {"rules", current_->size()}});
  return fresh;
}

Result<void> LivePolicy::reload() {
  const auto done = load({});
  if (done.has_error()) return done.error();
  if (!done->refusal.empty()) return fail(Code::conflict, done->refusal);
  return {};
}

void LivePolicy::reload_if_changed() {
  if (file_.empty()) return;
  std::shared_ptr<const policy::RuleSet> watched;
  {
    const std::lock_guard lock(mutex_);
    watched = watched_;
  }
  const auto now = versions(*watched);
  {
    const std::lock_guard lock(mutex_);
    if (now == seen_) return;
  }
  const auto result = reload();  // an error is logged and kept there
  static_cast<void>(result.has_error());
}

}  // namespace countersign::ca
