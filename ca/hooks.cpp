#include "ca/hooks.h"

#include <algorithm>

#include "ca/hook_worker.h"

namespace countersign::ca {

Hooks::Hooks(const std::map<std::string, HookSettings>& settings, store::Store& store,
             store::Committer& committer, const Clock& clock, const Random& random,
             const HttpsClient& https)
    : store_(store) {
  for (const auto& [name, hook] : settings) {
    workers_[name] =
        std::make_unique<HookWorker>(name, hook, HookParts{store, committer, clock, random, https});
  }
}

Hooks::~Hooks() {
  stop();
  join();
}

void Hooks::announce(HookEvent event, const HookSubject& subject, store::WriteBatch& batch) const {
  for (const auto& [name, worker] : workers_) {
    if (worker->wants(event, subject)) batch.push_back(worker->row(event, subject));
  }
}

void Hooks::wake() {
  for (const auto& [name, worker] : workers_) worker->wake();
}

void Hooks::start() {
  for (const auto& [name, worker] : workers_) worker->start();
}

void Hooks::stop() {
  for (const auto& [name, worker] : workers_) worker->stop();
}

void Hooks::join() {
  for (const auto& [name, worker] : workers_) worker->join();
}

std::vector<std::string> Hooks::failing() const {
  std::vector<std::string> names;
  for (const auto& [name, worker] : workers_) {
    if (worker->failing()) names.push_back(name);
  }
  return names;
}

Result<std::vector<store::HookTally>> Hooks::tallies() const {
  auto list = store_.hook_tallies();
  if (list.has_error()) return list;
  for (const auto& [name, worker] : workers_) {
    if (std::ranges::find(*list, name, &store::HookTally::hook) != list->end()) continue;
    store::HookTally fresh;
    fresh.hook = name;
    list->push_back(std::move(fresh));
  }
  std::ranges::sort(*list, {}, &store::HookTally::hook);
  return list;
}

}  // namespace countersign::ca
