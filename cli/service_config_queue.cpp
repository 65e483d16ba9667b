// [queue]: for how long a request waits.
#include "base/clock.h"
#include "cli/service_config_parts.h"

namespace countersign::cli {
void read_queue(ConfigTable& root, ca::AuthorityConfig& config) {
  auto table = root.table("queue");
  if (!table) return;
  if (const auto text = table->text("expire_after")) {
    const auto time = parse_duration(*text);
    if (*text == "never") {
      config.queue_expire_after.reset();
    } else if (!time || time->count() <= 0) {
      table->complain("expire_after",
                      "'expire_after' must be a duration such as \"30d\", or \"never\".");
    } else {
      config.queue_expire_after = time;
    }
  }
  table->done();
}

}  // namespace countersign::cli
