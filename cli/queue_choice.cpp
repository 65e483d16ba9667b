#include "cli/queue_choice.h"

#include "cli/failure.h"
#include "cli/queue.h"

namespace countersign::cli {

void add_queue_choice(CLI::App& verb, QueueChoice& choice, const std::string& what_all_means) {
  verb.add_option("name", choice.names, "Certnames");
  verb.add_flag("--all", choice.all, what_all_means);
  add_queue_filter(verb, choice.filter, false);
  verb.add_option("--view", choice.view, "What this view of `countersign list` chooses");
}

void check_queue_choice(const QueueChoice& choice, const std::string& verb) {
  if (choice.bulk() != choice.names.empty()) {
    throw Failure(kUsage, "name the requests to " + verb +
                              ", or give --all or --match, --view or another filter.");
  }
}

boost::json::array chosen_requests(const QueueChoice& choice, const std::filesystem::path& views,
                                   Client& client, int& code) {
  if (!choice.bulk()) return queued_by_name(client, choice.names, code);
  const QueueFilter filter = with_view(views, choice.view, choice.filter);
  return client.all("/v1/requests?state=queued" + query_of(filter, system_clock().now()),
                    "requests");
}

}  // namespace countersign::cli
