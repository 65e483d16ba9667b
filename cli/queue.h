// The queue as the verbs see it.
#ifndef COUNTERSIGN_CLI_QUEUE_H_
#define COUNTERSIGN_CLI_QUEUE_H_

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "cli/client.h"

namespace countersign::cli {

// The queued request of each name. A name with none is told of and sets `code` to kNothing.
boost::json::array queued_by_name(Client& client, const std::vector<std::string>& names, int& code);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_QUEUE_H_
