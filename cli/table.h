// Rows for people on a terminal, and plain columns in a pipe.
#ifndef COUNTERSIGN_CLI_TABLE_H_
#define COUNTERSIGN_CLI_TABLE_H_

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace countersign::cli {

// Printable: control characters as \xNN, so that no name can drive a terminal.
std::string printable(std::string_view text);

// Terminal: a header, aligned columns. Pipe: tabs, no header.
std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows, bool terminal);

// "3s", "12m", "5h", "9d": how long ago.
std::string age(Timestamp then, Timestamp now);

// A member as text: "" for null or missing, lists joined with ",".
std::string member(const boost::json::value& row, const char* key);

bool stdout_is_terminal();

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_TABLE_H_
