// Which requests of the queue a verb is about, and views: such choices that were given a name.
#ifndef COUNTERSIGN_CLI_QUEUE_FILTER_H_
#define COUNTERSIGN_CLI_QUEUE_FILTER_H_

#include <CLI/App.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"

namespace countersign::cli {

// Texts as they were given; "": not given.
struct QueueFilter {
  std::string match, rule, profile, key, source, older_than, newer_than, sort;
  bool operator==(const QueueFilter&) const = default;
  bool chooses() const;  // does it leave anything out?
};

// The options --match, --rule, …; --sort if `sorted`.
void add_queue_filter(CLI::App& verb, QueueFilter& filter, bool sorted);
// "--rule=web --older-than=2h": as it would be given.
std::string describe(const QueueFilter& filter);
// As more of the query of GET /v1/requests: "&match=…"; "" for none. Throws Failure if a duration
// is none.
std::string query_of(const QueueFilter& filter, Timestamp now);

// views.toml, beside the client file: a table a view.
using Views = std::vector<std::pair<std::string, QueueFilter>>;  // by name
// None if there is no file. Throws Failure if it cannot be read or has an error.
Views load_views(const std::filesystem::path& file);
// Replaces the file as a whole. Throws Failure.
void save_views(const std::filesystem::path& file, const Views& views);
// What the view says, and, where both speak, what was given now. Throws Failure if there is none.
QueueFilter with_view(const std::filesystem::path& file, const std::string& name,
                      const QueueFilter& given);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_QUEUE_FILTER_H_
