// The queue and the rows of REST's answers, as the verbs see them.
#ifndef COUNTERSIGN_CLI_QUEUE_H_
#define COUNTERSIGN_CLI_QUEUE_H_

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "cli/client.h"

namespace countersign::cli {

// A member of a row as text: "" for null or missing, lists joined with ",".
std::string member(const boost::json::value& row, const char* key);

// What an approval of each of these requests would do, in their order; `options` as members of the
// call. One that was decided meanwhile has a `problem`.
boost::json::array previews_of(Client& client, const boost::json::array& requests,
                               const boost::json::object& options);
// Calls `path` for some requests at a time; what became of each, in their order. `body` holds what
// the calls have in common, `list` names the member for the requests, and `item` makes one of them.
boost::json::array in_bulk(Client& client, const char* path, const char* answer, const char* list,
                           const boost::json::array& requests, const boost::json::object& body,
                           boost::json::value (*item)(const boost::json::value& request));
boost::json::value id_of(const boost::json::value& request);
// What a result says is wrong; "" for one that went well.
std::string problem_of(const boost::json::value& result);

// The queued request of each name. A name with none is told of on stderr and sets `code` to
// kNothing.
boost::json::array queued_by_name(Client& client, const std::vector<std::string>& names, int& code);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_QUEUE_H_
