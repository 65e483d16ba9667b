#include "policy/trace.h"

#include <algorithm>
#include <map>

namespace countersign::policy {
namespace {

// Of the steps at the beginning, and as many at the end.
constexpr std::size_t kShown = 6;

}  // namespace

void Trace::failed(std::string_view condition) {
  if (runs_.empty() || runs_.back().condition != condition) {
    runs_.push_back({.first = count_, .rules = 0, .condition = condition});
  }
  ++runs_.back().rules;
  ++count_;
}

TraceStep Trace::step_of(const Run& run) const {
  const Rule& rule = rules_[run.first];
  Words words;
  rule.first_failure(question_, false, &words);
  TraceStep step{.rule = rule.name,
                 .matched = false,
                 .condition = std::string(run.condition),
                 .detail = std::move(words.found),
                 .last_rule = "",
                 .rules = run.rules};
  if (run.rules > 1) step.last_rule = rules_[run.first + run.rules - 1].name;
  return step;
}

TraceStep Trace::between(const std::vector<Run>& runs, std::size_t begin, std::size_t end) const {
  std::map<std::string_view, std::size_t> counts;
  for (std::size_t i = begin; i < end; ++i) counts[runs[i].condition] += runs[i].rules;
  TraceStep step{.rule = rules_[runs[begin].first].name,
                 .matched = false,
                 .condition = "several",
                 .detail = "",
                 .last_rule = "",
                 .rules = 0};
  for (const auto& [condition, rules] : counts) {
    step.detail +=
        (step.rules == 0 ? "" : ", ") + std::string(condition) + " " + std::to_string(rules);
    step.rules += rules;
  }
  step.last_rule = rules_[runs[end - 1].first + runs[end - 1].rules - 1].name;
  return step;
}

std::vector<TraceStep> Trace::steps(const std::vector<Run>& runs, std::size_t shown,
                                    const Rule* matched) const {
  std::vector<TraceStep> steps;
  const std::size_t begin = std::min(shown, runs.size());
  const std::size_t end = std::max(begin, runs.size() - begin);
  for (std::size_t i = 0; i < begin; ++i) steps.push_back(step_of(runs[i]));
  if (end - begin == 1) {
    steps.push_back(step_of(runs[begin]));
  } else if (end > begin) {
    steps.push_back(between(runs, begin, end));
  }
  for (std::size_t i = end; i < runs.size(); ++i) steps.push_back(step_of(runs[i]));
  if (matched != nullptr) {
    TraceStep step;
    step.rule = matched->name;
    step.matched = true;
    steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<TraceStep> Trace::shortened(const Rule* matched) const {
  std::vector<Run> singles;
  if (count_ <= 2 * kShown) {
    for (const Run& run : runs_) {
      for (std::size_t i = 0; i < run.rules; ++i)
        singles.push_back({run.first + i, 1, run.condition});
    }
  }
  const std::vector<Run>& runs = count_ <= 2 * kShown ? singles : runs_;
  // Long names and values: fewer steps. With none shown the one in the middle counts them all.
  for (std::size_t shown = kShown;; --shown) {
    std::vector<TraceStep> list = steps(runs, shown, matched);
    if (shown == 0 || trace_size(list) <= kLongestTrace) return list;
  }
}

}  // namespace countersign::policy
