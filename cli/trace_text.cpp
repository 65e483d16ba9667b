#include "cli/trace_text.h"

#include "cli/table.h"

namespace countersign::cli {

std::string trace_text(const boost::json::value& trace, const std::string& indent) {
  std::string text;
  bool matched = false;
  for (const auto& step : trace.as_array()) {
    const std::string rule = printable(member(step, "rule"));
    if (step.at("matched").as_bool()) {
      matched = true;
      text += indent + "'" + rule + "' matched and decided\n";
    } else {
      text += indent + "'" + rule + "' did not match: " + printable(member(step, "condition")) +
              ": " + printable(member(step, "detail")) + "\n";
    }
  }
  if (!matched) text += indent + "no rule matched\n";
  return text;
}

}  // namespace countersign::cli
