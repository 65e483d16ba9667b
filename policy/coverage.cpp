#include "policy/coverage.h"

#include <algorithm>
#include <utility>

namespace countersign::policy {
namespace {

using Alternatives = std::set<std::string>;

// Does `wide` hold whenever `narrow` does?
bool implied(const Alternatives& narrow, const Alternatives& wide) {
  if (wide.empty()) return true;
  return !narrow.empty() && std::ranges::includes(wide, narrow);
}

bool covers(const Coverage::Entry& earlier, const Coverage::Entry& later) {
  for (const auto& [key, alternatives] : earlier.conditions) {
    const auto same = later.conditions.find(key);
    if (same == later.conditions.end() || !implied(same->second, alternatives)) return false;
  }
  if (!earlier.may_refuse) return true;
  // What the earlier one passes on must be refused by the later one too.
  return later.may_refuse && std::ranges::includes(earlier.grants, later.grants);
}

std::string index_key(const std::string& key, const std::string& alternative) {
  return key + '\n' + alternative;
}

// Where a rule that covers one with these conditions is to be found in the index.
std::vector<std::string> lookups(const Conditions& conditions) {
  std::vector<std::string> keys = {index_key("", "")};
  for (const auto& [key, alternatives] : conditions) {
    keys.push_back(index_key(key, ""));
    if (!alternatives.empty()) keys.push_back(index_key(key, *alternatives.begin()));
  }
  return keys;
}

}  // namespace

const Coverage::Entry* Coverage::add(Entry entry) {
  const std::size_t number = entries_.size();
  std::size_t found = number;
  for (const std::string& key : lookups(entry.conditions)) {
    const auto candidates = index_.find(key);
    if (candidates == index_.end()) continue;
    for (const std::size_t candidate : candidates->second) {
      if (candidate >= found) break;
      if (covers(entries_[candidate], entry)) found = candidate;
    }
  }
  if (entry.conditions.empty()) {
    index_[index_key("", "")].push_back(number);
  } else {
    const auto& [key, alternatives] = *entry.conditions.begin();
    if (alternatives.empty()) index_[index_key(key, "")].push_back(number);
    for (const std::string& item : alternatives) index_[index_key(key, item)].push_back(number);
  }
  entries_.push_back(std::move(entry));
  return found == number ? nullptr : &entries_[found];
}

}  // namespace countersign::policy
