#include "policy/diff.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

namespace countersign::policy {
namespace {

constexpr std::string_view kPassword = "match.challenge_password";
constexpr std::string_view kPresharedKey = ".pp_preshared_key";  // of extensions, of attributes

// The numbers of one of the longest rising sequences in the list.
std::vector<std::size_t> longest_rising(const std::vector<std::size_t>& list) {
  std::vector<std::size_t> ends;  // of each length, where the sequence with the least end ends
  std::vector<std::optional<std::size_t>> before(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto place = std::ranges::lower_bound(ends, list[i], std::less(),
                                                [&](std::size_t end) { return list[end]; });
    if (place != ends.begin()) before[i] = *(place - 1);
    if (place == ends.end()) {
      ends.push_back(i);
    } else {
      *place = i;
    }
  }
  std::vector<std::size_t> rising;
  std::optional<std::size_t> at;
  if (!ends.empty()) at = ends.back();
  for (; at; at = before[*at]) rising.push_back(list[*at]);
  std::ranges::reverse(rising);
  return rising;
}

std::vector<KeyChange> changes_of(const RuleOutline& was, const RuleOutline& now) {
  std::map<std::string, KeyChange> keys;
  for (const auto& [key, value] : was.keys) keys[key].was = value;
  for (const auto& [key, value] : now.keys) keys[key].now = value;
  std::vector<KeyChange> changes;
  for (auto& [key, change] : keys) {
    if (change.was == change.now) continue;
    change.key = key;
    if (key == kPassword || key.ends_with(kPresharedKey)) {
      if (!change.was.empty()) change.was = "(secret)";
      if (!change.now.empty()) change.now = change.was.empty() ? "(secret)" : "(another secret)";
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

using Places = std::map<std::string_view, std::size_t>;

Places places_of(const std::vector<RuleOutline>& rules) {
  Places places;
  for (std::size_t i = 0; i < rules.size(); ++i) places[rules[i].name] = i;
  return places;
}

}  // namespace

PolicyDiff diff(const RuleSet& was, const RuleSet& now) {
  PolicyDiff result;
  if (was.default_action() != now.default_action()) {
    result.defaults.push_back({"default", std::string(to_string(was.default_action())),
                               std::string(to_string(now.default_action()))});
  }
  const std::vector<RuleOutline> old_rules = was.outlines();
  const std::vector<RuleOutline> new_rules = now.outlines();
  const Places old_places = places_of(old_rules);
  const Places new_places = places_of(new_rules);
  for (std::size_t i = 0; i < old_rules.size(); ++i) {
    if (new_places.contains(old_rules[i].name)) continue;
    result.rules.push_back({RuleChange::Kind::removed, old_rules[i].name, i + 1, 0, {}});
  }
  std::vector<std::size_t> kept;  // places in the old policy, in the order of the new one
  for (const RuleOutline& rule : new_rules) {
    const auto before = old_places.find(rule.name);
    if (before != old_places.end()) kept.push_back(before->second);
  }
  const std::vector<std::size_t> unmoved = longest_rising(kept);
  for (std::size_t i = 0; i < new_rules.size(); ++i) {
    const RuleOutline& rule = new_rules[i];
    const auto before = old_places.find(rule.name);
    if (before == old_places.end()) {
      result.rules.push_back({RuleChange::Kind::added, rule.name, 0, i + 1, {}});
      continue;
    }
    const std::size_t place = before->second;
    auto keys = changes_of(old_rules[place], rule);
    if (!keys.empty()) {
      result.rules.push_back(
          {RuleChange::Kind::changed, rule.name, place + 1, i + 1, std::move(keys)});
    }
    if (!std::ranges::binary_search(unmoved, place)) {
      result.rules.push_back({RuleChange::Kind::moved, rule.name, place + 1, i + 1, {}});
    }
  }
  return result;
}

}  // namespace countersign::policy
