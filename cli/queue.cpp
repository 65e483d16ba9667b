#include "cli/queue.h"

#include <algorithm>
#include <iostream>

#include "cli/exit_code.h"
#include "cli/table.h"

namespace countersign::cli {

boost::json::array queued_by_name(Client& client, const std::vector<std::string>& names,
                                  int& code) {
  const boost::json::array queue = client.all("/v1/requests?state=queued", "requests");
  boost::json::array found;
  for (const std::string& name : names) {
    const auto* row = std::ranges::find_if(
        queue, [&](const auto& candidate) { return member(candidate, "certname") == name; });
    if (row != queue.end()) {
      found.push_back(*row);
      continue;
    }
    std::cerr << printable(name)
              << ": no request of this name waits. `countersign list` shows what does.\n";
    code = kNothing;
  }
  return found;
}

}  // namespace countersign::cli
