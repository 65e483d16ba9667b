// A decider outside: a webhook or a program of the site's that must agree before a rule signs.
#ifndef COUNTERSIGN_CA_DECIDER_H_
#define COUNTERSIGN_CA_DECIDER_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "base/https_client.h"
#include "base/worker_pool.h"
#include "ca/circuit_breaker.h"
#include "ca/decider_answer.h"
#include "ca/decider_question.h"
#include "ca/decider_settings.h"

namespace countersign::ca {

struct DeciderStatus {
  std::string name;
  std::uint64_t asked = 0;
  std::uint64_t failed = 0;  // of those
  bool open = false;         // it failed so often that it is left alone
};

// Thread-safe. Has threads of its own, in which questions wait for their answers.
class Decider {
 public:
  Decider(std::string name, DeciderSettings settings, const HttpsClient& https);
  ~Decider() { stopping_.store(true); }  // an endpoint that is being asked is waited for no longer
  Decider(const Decider&) = delete;
  Decider& operator=(const Decider&) = delete;

  // overloaded: there is no room to ask. Otherwise it gave no answer that counts; the detail, a
  // sentence without its full stop, says why, and the log says more. malformed: it answers, and
  // refused this question, which does not open the breaker.
  boost::asio::awaitable<Result<DeciderAnswer>> ask(const DeciderQuestion& question);

  const DeciderSettings& settings() const { return settings_; }
  DeciderStatus status() const;

 private:
  Result<DeciderAnswer> ask_once(const DeciderQuestion& question);
  Result<DeciderAnswer> ask_endpoint(const DeciderQuestion& question) const;
  Result<DeciderAnswer> ask_program(const DeciderQuestion& question) const;

  const std::string name_;
  const DeciderSettings settings_;
  const HttpsClient& https_;
  CircuitBreaker breaker_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> failed_{0};
  WorkerPool threads_;  // last, so that its threads end before what they use
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_DECIDER_H_
