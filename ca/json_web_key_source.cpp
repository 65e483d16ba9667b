#include "ca/json_web_key_source.h"

#include <algorithm>
#include <stdexcept>

#include "base/file_system.h"
#include "base/log.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kMostWaiting = 64;

}  // namespace

JsonWebKeySource::JsonWebKeySource(const IdentitySettings& settings,
                                   std::shared_ptr<const HttpsClient> client, const Clock& clock)
    : settings_(settings), client_(std::move(client)), clock_(clock), thread_(1, kMostWaiting) {
  if (settings_.jwks_file.empty()) return;
  const ReadBegin begin;
  auto keys = read_file();
  if (keys.has_error()) {
    throw std::runtime_error("[identity." + settings_.name + "] jwks_file " +
                             settings_.jwks_file.string() + ": " + keys.error().detail);
  }
  keys_ = std::make_shared<const JsonWebKeySet>(std::move(*keys));
  seen_ = begin.since(version_of(settings_.jwks_file));
}

Result<JsonWebKeySet> JsonWebKeySource::read_file() const {
  const auto text = system_files().read(settings_.jwks_file, JsonWebKeySet::kMaxBytes);
  if (text.has_error()) return text.error();
  return JsonWebKeySet::parse(*text);
}

void JsonWebKeySource::reload_if_changed() {
  if (settings_.jwks_file.empty()) return;
  const FileVersion now = version_of(settings_.jwks_file);
  {
    const std::lock_guard lock(mutex_);
    if (now == seen_) return;
  }
  const ReadBegin begin;
  auto keys = read_file();
  const std::lock_guard lock(mutex_);
  seen_ = begin.since(now);
  if (keys.has_error()) {
    seen_ = now;  // told once
    log::error("identity_keys_refused", {{"identity", settings_.name},
                                         {"file", settings_.jwks_file.string()},
                                         {"error", keys.error().detail}});
    return;
  }
  keys_ = std::make_shared<const JsonWebKeySet>(std::move(*keys));
  log::info("identity_keys_loaded", {{"identity", settings_.name}, {"keys", keys_->size()}});
}

std::shared_ptr<const JsonWebKeySet> JsonWebKeySource::current() const {
  const std::lock_guard lock(mutex_);
  if (settings_.jwks_url.empty() || !keys_) return keys_;
  return clock_.now() - fetched_at_ <= kLongest ? keys_ : nullptr;
}

// Also if the clock was put back: then the last time says nothing.
bool JsonWebKeySource::paused(Timestamp now) const {
  return tried_at_ && now >= *tried_at_ && now - *tried_at_ < kPause;
}

bool JsonWebKeySource::may_fetch() const {
  const std::lock_guard lock(mutex_);
  return !settings_.jwks_url.empty() && !paused(clock_.now());
}

bool JsonWebKeySource::due() const {
  const std::lock_guard lock(mutex_);
  const Timestamp now = clock_.now();
  if (settings_.jwks_url.empty() || paused(now)) return false;
  return !keys_ || now < fetched_at_ || now - fetched_at_ >= fresh_for_;
}

boost::asio::awaitable<Result<void>> JsonWebKeySource::fetch() {
  co_return co_await thread_.run([this]() -> Result<void> {
    fetch_now();
    return {};
  });
}

void JsonWebKeySource::fetch_now() {
  {
    const std::lock_guard lock(mutex_);
    const Timestamp now = clock_.now();
    if (stopping_.load() || paused(now)) return;
    tried_at_ = now;
  }
  HttpsRequest request;
  request.url = settings_.jwks_url;
  request.headers = {{"Accept", "application/json"}};
  request.ca_file = settings_.jwks_ca_file;
  request.deadline = kDeadline;
  request.body_limit = JsonWebKeySet::kMaxBytes;
  request.cancel = &stopping_;
  const auto response = client_->send(request);
  auto keys =
      response.has_error() ? Result<JsonWebKeySet>(response.error())
      : response->status != 200
          ? Result<JsonWebKeySet>(
                fail(Code::unavailable, "The answer is " + std::to_string(response->status) + "."))
          : JsonWebKeySet::parse(response->body);
  const std::lock_guard lock(mutex_);
  // The pause begins when the answer is there: who waited meanwhile must not ask once more.
  tried_at_ = clock_.now();
  if (keys.has_error()) {
    log::warn("identity_keys_not_fetched", {{"identity", settings_.name},
                                            {"url", settings_.jwks_url},
                                            {"error", keys.error().detail},
                                            {"cause", keys.error().cause}});
    return;
  }
  keys_ = std::make_shared<const JsonWebKeySet>(std::move(*keys));
  fetched_at_ = *tried_at_;
  fresh_for_ = std::clamp(response->max_age().value_or(kUsual), kShortest, kFresh);
  log::info("identity_keys_fetched", {{"identity", settings_.name}, {"keys", keys_->size()}});
}

}  // namespace countersign::ca
