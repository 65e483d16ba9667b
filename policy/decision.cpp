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
    boost::json::object object{{"rule", step.rule},
                               {"matched", step.matched},
                               {"condition", step.condition},
                               {"detail", step.detail}};
    if (step.rules > 1) {
      object["last_rule"] = step.last_rule;
      object["rules"] = step.rules;
    }
    steps.push_back(std::move(object));
  }
  return boost::json::serialize(steps);
}

std::string nearest_to_json(const std::optional<Nearest>& nearest) {
  if (!nearest) return "null";
  boost::json::array failures;
  for (const Failure& failure : nearest->failures) {
    failures.push_back(boost::json::object{
        {"condition", failure.condition}, {"found", failure.found}, {"needed", failure.needed}});
  }
  return boost::json::serialize(boost::json::object{{"rule", nearest->rule},
                                                    {"action", to_string(nearest->action)},
                                                    {"advice", nearest->advice},
                                                    {"failures", std::move(failures)}});
}

std::size_t trace_size(const std::vector<TraceStep>& trace) {
  constexpr std::size_t kKeysAndCounts = 110;
  std::size_t size = 2;
  for (const TraceStep& step : trace) {
    size += kKeysAndCounts;
    for (const std::string* text : {&step.rule, &step.condition, &step.detail, &step.last_rule}) {
      for (const char c : *text) {
        const bool control = static_cast<unsigned char>(c) < 0x20;
        size += control ? 6 : c == '"' || c == '\\' ? 2 : 1;
      }
    }
  }
  return size;
}

}  // namespace countersign::policy
