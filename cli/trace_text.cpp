#include "cli/trace_text.h"

#include "cli/queue.h"
#include "cli/terminal.h"

namespace countersign::cli {

std::string trace_text(const boost::json::value& trace, const std::string& indent) {
  std::string text;
  bool matched = false;
  for (const auto& step : trace.as_array()) {
    const std::string rule = "'" + escaped(member(step, "rule")) + "'";
    if (member(step, "matched") == "true") {
      matched = true;
      const std::string detail = escaped(member(step, "detail"));
      text += indent + rule + " matched and decided" + (detail.empty() ? "" : ": " + detail) + "\n";
    } else {
      text += indent + rule + " did not match: " + escaped(member(step, "condition")) + ": " +
              escaped(member(step, "detail")) + "\n";
    }
  }
  return matched ? text : text + indent + "no rule matched\n";
}

}  // namespace countersign::cli
