// The queue and the rows of REST's answers, as the verbs see them.
#ifndef COUNTERSIGN_CLI_QUEUE_H_
#define COUNTERSIGN_CLI_QUEUE_H_

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.h"

namespace countersign::cli {

// A member of a row as text: "" for null or missing, lists joined with ",".
std::string member(const boost::json::value& row, const char* key);

// The regular expression that matches exactly this name.
std::string exactly(std::string_view name);

// The queued request of each name. A name with none is told of on stderr and sets `code` to
// kNothing.
boost::json::array queued_by_name(Client& client, const std::vector<std::string>& names, int& code);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_QUEUE_H_
