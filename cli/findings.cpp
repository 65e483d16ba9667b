#include "cli/findings.h"

#include <algorithm>

namespace countersign::cli {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::left:
      return "left";
    case Severity::warning:
      return "warning";
    case Severity::damage:
      return "damage";
    case Severity::fatal:
      break;
  }
  return "fatal";
}

void Findings::add(Severity severity, const std::string& file, const std::vector<Finding>& found) {
  for (const Finding& one : found) add(severity, file, one.text, one.line);
}

std::size_t Findings::count(Severity severity) const {
  return static_cast<std::size_t>(std::ranges::count(entries_, severity, &Entry::severity));
}

}  // namespace countersign::cli
