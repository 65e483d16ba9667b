#include "policy/nearest.h"

#include <algorithm>
#include <tuple>

namespace countersign::policy {
namespace {

// How many characters at both ends the name and an expression have in common; a backslash counts
// for nothing. A guess at which of many rules for names was meant.
std::size_t likeness(std::string_view name, const Patterns& patterns) {
  std::size_t best = 0;
  const auto compare = [&](const std::string& regex) {
    std::string text;
    std::ranges::copy_if(regex, std::back_inserter(text), [](char c) { return c != '\\'; });
    const auto same = [](auto a, auto a_end, auto b, auto b_end) {
      return static_cast<std::size_t>(std::mismatch(a, a_end, b, b_end).first - a);
    };
    best = std::max(best, same(name.begin(), name.end(), text.begin(), text.end()) +
                              same(name.rbegin(), name.rend(), text.rbegin(), text.rend()));
  };
  for (const auto& regex : patterns.compiled()) compare(regex->pattern());
  for (const std::string& text : patterns.literals()) compare(text);
  return best;
}

std::string_view outcome_of(Action action) {
  return action == Action::sign ? "signed" : action == Action::deny ? "denied" : "queued";
}

std::string advice_of(const Nearest& nearest) {
  const std::string rule = "'" + nearest.rule + "'";
  const std::string outcome(outcome_of(nearest.action));
  std::string text = nearest.failures.size() == 1
                         ? "To be " + outcome + " by " + rule + ": "
                         : "Nearest to being " + outcome + " is " + rule + ", which wants " +
                               std::to_string(nearest.failures.size()) + " things to change: ";
  for (const Failure& failure : nearest.failures) {
    text += (&failure == nearest.failures.data() ? "" : "; and ") + failure.needed;
  }
  return text + ".";
}

}  // namespace

std::optional<Nearest> nearest_rule(std::span<const Rule> failed, const Question& question,
                                    Action outcome) {
  std::optional<Nearest> nearest;
  std::tuple<std::size_t, bool, std::size_t> least;
  for (const Rule& rule : failed) {
    if (rule.action == outcome) continue;
    std::vector<Failure> failures = rule.failures(question);
    const std::size_t like = likeness(question.facts.certname, rule.match.certname_regex);
    const auto distance =
        std::tuple(failures.size(), rule.action != Action::sign, std::string::npos - like);
    if (nearest && !(distance < least)) continue;
    least = distance;
    nearest = Nearest{
        .rule = rule.name, .action = rule.action, .failures = std::move(failures), .advice = ""};
  }
  if (nearest) nearest->advice = advice_of(*nearest);
  return nearest;
}

}  // namespace countersign::policy
