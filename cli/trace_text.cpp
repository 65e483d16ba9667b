#include "cli/trace_text.h"

#include "cli/queue.h"
#include "cli/terminal.h"

namespace countersign::cli {

namespace {

// "'a'", or "'a' to 'z', 998 rules,".
std::string rules_of(const boost::json::value& step) {
  std::string text = "'" + escaped(member(step, "rule")) + "'";
  const std::string last = member(step, "last_rule");
  if (last.empty()) return text;
  return text + " to '" + escaped(last) + "', " + member(step, "rules") + " rules,";
}

}  // namespace

std::string trace_text(const boost::json::value& trace, const std::string& indent) {
  std::string text;
  bool matched = false;
  for (const auto& step : trace.as_array()) {
    if (member(step, "matched") == "true") {
      matched = true;
      const std::string detail = escaped(member(step, "detail"));
      text += indent + rules_of(step) + " matched and decided" +
              (detail.empty() ? "" : ": " + detail) + "\n";
    } else {
      text += indent + rules_of(step) + " did not match: " + escaped(member(step, "condition")) +
              ": " + escaped(member(step, "detail")) + "\n";
    }
  }
  return matched ? text : text + indent + "no rule matched\n";
}

std::string trace_tree(const boost::json::value& trace, const std::string& indent) {
  std::string text;
  bool matched = false;
  for (const auto& step : trace.as_array()) {
    if (member(step, "matched") == "true") {
      matched = true;
      const std::string detail = escaped(member(step, "detail"));
      text += indent + rules_of(step) + " matched and decided\n";
      if (!detail.empty()) text += indent + "    " + detail + "\n";
    } else {
      text += indent + rules_of(step) + " did not match\n";
      text += indent + "    " + escaped(member(step, "condition")) + ": ";
      text += escaped(member(step, "detail")) + "\n";
    }
  }
  return matched ? text : text + indent + "no rule matched\n";
}

}  // namespace countersign::cli
