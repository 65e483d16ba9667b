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

// `between`: what stands between a rule and why.
std::string lines_of(const boost::json::value& trace, const std::string& indent,
                     const std::string& between) {
  std::string text;
  bool matched = false;
  for (const auto& step : trace.as_array()) {
    const bool decided = member(step, "matched") == "true";
    std::string why = escaped(member(step, "detail"));
    if (!decided) why.insert(0, escaped(member(step, "condition")) + ": ");
    text += indent;
    text += rules_of(step);
    text += decided ? " matched and decided" : " did not match";
    if (!why.empty()) text += between;
    text += why;
    text += '\n';
    matched = matched || decided;
  }
  return matched ? text : text + indent + "no rule matched\n";
}

}  // namespace

std::string trace_text(const boost::json::value& trace, const std::string& indent) {
  return lines_of(trace, indent, ": ");
}

std::string trace_tree(const boost::json::value& trace, const std::string& indent) {
  return lines_of(trace, indent, "\n" + indent + "    ");
}

}  // namespace countersign::cli
