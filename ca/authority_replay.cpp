// Stored requests decided again by another policy: what a change of the rules would have changed.
#include <algorithm>

#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/request_id.h"
#include "ca/rule_context.h"
#include "ca/trial.h"

namespace countersign::ca {
namespace {

// A call ends after so many and is continued, so that no answer takes long.
constexpr std::size_t kMostACall = 10'000;

// The text comes from a client. Of the machine's files it may use the lists that the policy in
// force uses, and no other: it would be a way to ask what any file holds.
class ListsInForce final : public FileSystem {
 public:
  explicit ListsInForce(std::vector<std::filesystem::path> lists) : lists_(std::move(lists)) {}
  Result<std::string> read(const std::filesystem::path& path, std::size_t limit) const override {
    if (std::ranges::find(lists_, path) == lists_.end()) {
      return fail(Code::not_found,
                  "the list '" + path.filename().string() +
                      "' is none that the policy in force uses, and a replay reads no other file");
    }
    return system_files().read(path, limit);
  }
  Result<void> write(const std::filesystem::path&, std::string_view, mode_t) const override {
    return fail(Code::unavailable, "a replay writes nothing");
  }

 private:
  const std::vector<std::filesystem::path> lists_;
};

Result<std::shared_ptr<const policy::RuleSet>> read_policy(const AuthorityConfig& config,
                                                           const policy::RuleSet& in_force,
                                                           const std::string& text) {
  const ListsInForce files(in_force.files());
  policy::LoadContext context = rule_context(config);
  context.files = &files;
  return policy::RuleSet::parse(text, config.policy_file.parent_path() / "new-policy", context);
}

// One at a time, however it ends.
class OneReplay {
 public:
  explicit OneReplay(std::shared_ptr<std::atomic<bool>> running)
      : running_(std::move(running)), granted_(!running_->exchange(true)) {}
  ~OneReplay() {
    if (granted_) running_->store(false);
  }
  OneReplay(const OneReplay&) = delete;
  OneReplay& operator=(const OneReplay&) = delete;
  bool granted() const { return granted_; }

 private:
  const std::shared_ptr<std::atomic<bool>> running_;
  const bool granted_;
};

}  // namespace

Task<Result<Replay>> Authority::replay(ReplayOrder order, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::replay, caller);
  if (permitted.has_error()) co_return permitted.error();
  const OneReplay place(state.replaying);
  if (!place.granted()) {
    co_return fail(Code::overloaded, "Another replay runs. Try again when it has ended.");
  }
  auto rules = co_await state.pool.run(
      [&] { return read_policy(state.config, *state.policy.current(), order.policy); });
  if (rules.has_error()) co_return rules.error();
  const Trial trial{state.config, state.store, std::move(*rules), nullptr};
  Replay replay;
  replay.next = order.after.empty() ? first_request_id(order.since) : order.after;
  do {
    const auto done = co_await state.pool.run([&] { return trial.page(replay); });
    if (done.has_error()) co_return done.error();
  } while (!replay.next.empty() && replay.examined < kMostACall && !state.stopping.load());
  replay.notes = trial.notes();
  co_return replay;
}

}  // namespace countersign::ca
