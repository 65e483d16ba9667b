// The short form of a trace. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_TRACE_H_
#define COUNTERSIGN_POLICY_TRACE_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "policy/rule.h"

namespace countersign::policy {

// Notes how the rules failed, in order, and puts only into words what will be shown: a thousand
// rules fail for one that decides. Refers to the rules and to the question.
class Trace {
 public:
  Trace(const std::vector<Rule>& rules, const Question& question)
      : rules_(rules), question_(question) {}

  // The next rule failed. `condition` is a literal.
  void failed(std::string_view condition);
  // The steps, then that of the rule that matched (null: none did): at most kLongestTrace as JSON.
  // A step for each rule if they are few; else rules in a row that failed by the same condition are
  // one; else the first and the last steps stand, and one step counts what is between them.
  std::vector<TraceStep> shortened(const Rule* matched) const;

 private:
  struct Run {
    std::size_t first;
    std::size_t rules;
    std::string_view condition;
  };
  std::vector<TraceStep> steps(const std::vector<Run>& runs, std::size_t shown,
                               const Rule* matched) const;
  TraceStep step_of(const Run& run) const;
  TraceStep between(const std::vector<Run>& runs, std::size_t begin, std::size_t end) const;

  const std::vector<Rule>& rules_;
  const Question& question_;
  std::vector<Run> runs_;
  std::size_t count_ = 0;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_TRACE_H_
