// The trace of a decision, for people.
#ifndef COUNTERSIGN_CLI_TRACE_TEXT_H_
#define COUNTERSIGN_CLI_TRACE_TEXT_H_

#include <boost/json.hpp>
#include <string>

namespace countersign::cli {

// One line a step: a rule, or several in a row that failed alike, and the first condition that
// failed.
std::string trace_text(const boost::json::value& trace, const std::string& indent);

// The same as a tree, a rule and below it the condition: for policy explain.
std::string trace_tree(const boost::json::value& trace, const std::string& indent);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_TRACE_TEXT_H_
