#include "policy/decision.h"

#include <boost/json.hpp>

namespace countersign::policy {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::sign:
      return "sign";
    case Action::queue:
      return "queue";
    case Action::deny:
      return "deny";
  }
  return "queue";
}

std::optional<Action> parse_action(std::string_view text) {
  for (const Action action : {Action::sign, Action::queue, Action::deny}) {
    if (to_string(action) == text) return action;
  }
  return std::nullopt;
}

std::string trace_to_json(const std::vector<TraceStep>& trace) {
  boost::json::array steps;
  for (const TraceStep& step : trace) {
    steps.push_back(boost::json::object{{"rule", step.rule},
                                        {"matched", step.matched},
                                        {"condition", step.condition},
                                        {"detail", step.detail}});
  }
  return boost::json::serialize(steps);
}

}  // namespace countersign::policy
