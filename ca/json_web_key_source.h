// Where the keys of an issuer come from: a file that is watched, or a URL that is asked.
#ifndef COUNTERSIGN_CA_JSON_WEB_KEY_SOURCE_H_
#define COUNTERSIGN_CA_JSON_WEB_KEY_SOURCE_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/https_client.h"
#include "base/worker_pool.h"
#include "ca/file_version.h"
#include "ca/identity_settings.h"
#include "ca/json_web_key_set.h"

namespace countersign::ca {

// Thread-safe. A URL is asked on a thread of its own, one request at a time, so that an issuer that
// hangs keeps nobody from signing.
class JsonWebKeySource {
 public:
  // Reads the file; throws std::runtime_error if it is not good. A URL is not asked yet.
  JsonWebKeySource(const IdentitySettings& settings, std::shared_ptr<const HttpsClient> client,
                   const Clock& clock);
  ~JsonWebKeySource() { stop(); }

  // The keys that count. Null if none could be had yet, or the last that could are over kLongest
  // old: a key that the issuer took back must not count for ever.
  std::shared_ptr<const JsonWebKeySet> current() const;
  // May a request find keys that are not here? Not within kPause of the last one, so that tokens
  // with made-up keys cannot make us ask and ask.
  bool may_fetch() const;
  // Is it time to ask again, before somebody waits for it? When what was fetched has reached the
  // age that the issuer gave it, at least kShortest and at most kFresh.
  bool due() const;
  // Asks, unless another call has just done so. Whatever comes of it shows in current(); overloaded
  // if too many wait already.
  boost::asio::awaitable<Result<void>> fetch();
  // Reads the file anew if it changed. If it is not good the old keys stay. Blocks.
  void reload_if_changed();
  // Ends a request that is under way.
  void stop() { stopping_.store(true); }

  static constexpr std::chrono::seconds kPause{10};
  static constexpr std::chrono::seconds kShortest = std::chrono::minutes(1);
  static constexpr std::chrono::seconds kUsual = std::chrono::hours(1);  // if the issuer says none
  static constexpr std::chrono::seconds kFresh = std::chrono::hours(6);
  static constexpr std::chrono::seconds kLongest = std::chrono::hours(24);
  static constexpr std::chrono::milliseconds kDeadline{5000};

 private:
  Result<JsonWebKeySet> read_file() const;
  void fetch_now();
  bool paused(Timestamp now) const;  // holds mutex_

  const IdentitySettings settings_;
  const std::shared_ptr<const HttpsClient> client_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // guards the following
  std::shared_ptr<const JsonWebKeySet> keys_;
  FileVersion seen_;
  std::optional<Timestamp> tried_at_;
  Timestamp fetched_at_;
  std::chrono::seconds fresh_for_{0};
  WorkerPool thread_;  // last, so that it ends before what it uses
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_JSON_WEB_KEY_SOURCE_H_
