#include "ca/hook_worker.h"

#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>

#include "base/log.h"
#include "ca/name_filter.h"
#include "ca/request_id.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;
using Outcome = Delivery::Outcome;
using std::chrono::milliseconds;

constexpr auto kPoll = milliseconds(1000);
constexpr std::size_t kAtOnce = 32;
// An endpoint that is back is noticed within a minute; an event that it refuses is tried less and
// less.
constexpr milliseconds kLongestPause = std::chrono::minutes(1);
constexpr milliseconds kLongestWait = std::chrono::hours(1);

store::NameFilter filter_of(const std::string& name, const std::string& match) {
  if (match.empty()) return {};
  auto filter = name_filter(match);
  if (filter.has_error()) {
    throw std::runtime_error("[hook." + name + "] match: " + filter.error().detail);
  }
  return std::move(*filter);
}

store::AuditRecord given_up(const std::string& hook, const store::HookEventRecord& event,
                            const std::string& error, Timestamp now) {
  const json::object detail{{"hook", hook},
                            {"event", event.event},
                            {"id", event.id},
                            {"attempts", event.attempts + 1},
                            {"last_error", error}};
  store::AuditRecord row;
  row.at = now;
  row.action = "hook given up";
  row.actor = "service";
  row.subject = event.subject;
  row.detail = json::serialize(detail);
  return row;
}

}  // namespace

HookWorker::HookWorker(std::string name, HookSettings settings, HookParts parts)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      match_(filter_of(name_, settings_.match)),
      sweep_(name_, settings_.expiring_before),
      parts_(parts) {}

HookWorker::~HookWorker() {
  stop();
  join();
}

bool HookWorker::wants(HookEvent event, const HookSubject& subject) const {
  return settings_.on.contains(event) &&
         (settings_.rules.empty() || settings_.rules.contains(subject.rule())) &&
         (!match_ || match_(subject.certname()));
}

store::InsertHookEvent HookWorker::row(HookEvent event, const HookSubject& subject) const {
  store::InsertHookEvent insert;
  const Timestamp now = parts_.clock.now();
  insert.event.id = new_request_id(now, parts_.random);
  insert.event.hook = name_;
  insert.event.subject = subject.certname();
  insert.event.event = to_string(event);
  insert.event.body = hook_body(insert.event.id, event, now, subject);
  insert.event.created_at = now;
  insert.event.next_at = now;
  insert.most = settings_.most_waiting;
  return insert;
}

void HookWorker::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void HookWorker::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void HookWorker::stop() {
  stopping_.store(true);
  wake();
}

void HookWorker::join() {
  if (thread_.joinable()) thread_.join();
}

bool HookWorker::failing() const {
  constexpr std::int64_t kNoMoment = 3;
  return failures_.load() >= kNoMoment;
}

void HookWorker::run() {
  while (!stopping_.load()) {
    bool more = false;
    // Whatever is thrown, this thread must go on.
    try {
      more = round();
    } catch (const std::exception& error) {
      log::error("hook_failed", {{"hook", name_}, {"error", error.what()}});
    }
    std::unique_lock lock(mutex_);
    if (!more) changed_.wait_for(lock, kPoll, [this] { return woken_ || stopping_.load(); });
    woken_ = false;
  }
}

Result<store::HookTally> HookWorker::tally() const {
  const auto tallies = parts_.store.hook_tallies();
  if (tallies.has_error()) return tallies.error();
  const auto own = std::ranges::find(*tallies, name_, &store::HookTally::hook);
  return own == tallies->end() ? store::HookTally() : *own;
}

// In the log, once a minute: the store drops without a word.
void HookWorker::tell_of_dropped() {
  if (Steady::now() < next_look_) return;
  next_look_ = Steady::now() + std::chrono::minutes(1);
  const auto own = tally();
  if (own.has_error()) return;
  const std::int64_t dropped = own->dropped;
  if (dropped_ >= 0 && dropped > dropped_) {
    log::error("hook_events_dropped", {{"hook", name_}, {"events", dropped - dropped_}});
  }
  dropped_ = dropped;
}

bool HookWorker::round() {
  tell_of_dropped();
  const bool more_expire = tell_of_expiring();
  if (Steady::now() < paused_until_) return false;
  const auto due = parts_.store.due_hook_events(name_, parts_.clock.now(), kAtOnce);
  if (due.has_error()) return false;
  for (const store::HookEventRecord& event : *due) {
    if (stopping_.load() || !attempt(event)) return false;
  }
  return more_expire || !due->empty();
}

// False: it is of no use to go on with the next one now.
bool HookWorker::attempt(const store::HookEventRecord& event) {
  const Delivery delivery = deliver(settings_, event, parts_.https, parts_.clock.now(), stopping_);
  if (stopping_.load() && delivery.outcome == Outcome::down) return false;
  const Timestamp now = parts_.clock.now();
  store::WriteBatch batch;
  if (delivery.outcome == Outcome::done) {
    batch.push_back(store::RemoveHookEvent{event.sequence, true});
  } else if (now - event.created_at >= settings_.give_up_after) {
    batch.push_back(store::RemoveHookEvent{event.sequence, false});
    batch.push_back(store::AppendAudit{given_up(name_, event, delivery.error, now)});
    log::error("hook_given_up", {{"hook", name_},
                                 {"event", event.event},
                                 {"subject", event.subject},
                                 {"error", delivery.error}});
  } else {
    const auto most = delivery.outcome == Outcome::down ? kLongestPause : kLongestWait;
    batch.push_back(store::PostponeHookEvent{
        event.sequence, now + backoff(event.attempts + 1, most, parts_.random), delivery.error});
    log::warn("hook_not_delivered", {{"hook", name_},
                                     {"event", event.event},
                                     {"subject", event.subject},
                                     {"attempts", event.attempts + 1},
                                     {"error", delivery.error}});
  }
  const std::int64_t failures = delivery.outcome == Outcome::down ? failures_.load() + 1 : 0;
  failures_.store(failures);
  if (failures > 0) {
    paused_until_ = Steady::now() + backoff(failures, kLongestPause, parts_.random);
  }
  const auto stored = parts_.committer.commit_blocking(std::move(batch));
  // not_found: too many wait, and this one went meanwhile.
  if (stored.has_error() && stored.error().code != Code::not_found) {
    // It will be delivered once more. Not at once: the store has trouble enough.
    paused_until_ = std::max(paused_until_, Steady::now() + kPoll);
    return false;
  }
  return failures == 0;
}

bool HookWorker::tell_of_expiring() {
  if (!settings_.on.contains(HookEvent::expiring) || Steady::now() < next_sweep_) return false;
  constexpr milliseconds kShortest = std::chrono::seconds(1);
  const milliseconds usual = std::clamp(milliseconds(settings_.expiring_before) / 100, kShortest,
                                        milliseconds(std::chrono::hours(1)));
  next_sweep_ = Steady::now() + usual;
  const auto own = tally();
  if (own.has_error()) return false;
  // A crowd that ends in one week must not push other events out.
  if (own->waiting > settings_.most_waiting / 2) {
    next_sweep_ = Steady::now() + kShortest;
    return false;
  }
  const auto page = sweep_.next(parts_.store, parts_.clock.now());
  if (page.has_error() || !*page) return false;
  store::WriteBatch batch;
  for (const store::CertificateRecord& certificate : (*page)->certificates) {
    const HookSubject subject{.request = nullptr, .certificate = &certificate};
    if (wants(HookEvent::expiring, subject)) batch.push_back(row(HookEvent::expiring, subject));
  }
  batch.push_back((*page)->mark);
  const auto stored = parts_.committer.commit_blocking(std::move(batch));
  if (stored.has_error() || !(*page)->more) return false;
  next_sweep_ = Steady::now();
  return true;
}

}  // namespace countersign::ca
