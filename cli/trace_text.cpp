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
    const std::string detail = escaped(member(step, "detail"));
    if (member(step, "matched") == "true") {
      matched = true;
      text += indent + rules_of(step) + " matched and decided" +
              (detail.empty() ? "" : between + detail) + "\n";
    } else {
      text += indent + rules_of(step) + " did not match" + between +
              escaped(member(step, "condition")) + ": " + detail + "\n";
    }
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
