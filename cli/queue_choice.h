// Which requests `sign` and `deny` are about: those of some names, or many at once.
#ifndef COUNTERSIGN_CLI_QUEUE_CHOICE_H_
#define COUNTERSIGN_CLI_QUEUE_CHOICE_H_

#include <CLI/App.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/queue_filter.h"

namespace countersign::cli {

struct QueueChoice {
  std::vector<std::string> names;
  bool all = false;
  QueueFilter filter;
  std::string view;

  bool bulk() const { return all || filter.chooses() || !view.empty(); }
};

// NAME..., --all, the options of a filter, --view.
void add_queue_choice(CLI::App& verb, QueueChoice& choice, const std::string& what_all_means);
// Failure, kUsage, for names beside a choice of many, or neither. `verb`: "sign".
void check_queue_choice(const QueueChoice& choice, const std::string& verb);
// What waits of them now; of names see queued_by_name(). `views`: the file. Throws Failure.
boost::json::array chosen_requests(const QueueChoice& choice, const std::filesystem::path& views,
                                   Client& client, int& code);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_QUEUE_CHOICE_H_
