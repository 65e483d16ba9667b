// [queue] and [operators]: who decides what waits, and for how long it does.
#include <algorithm>

#include "base/clock.h"
#include "cli/service_config_parts.h"

namespace countersign::cli {
namespace {

void read_people(ConfigTable& people, ca::AuthorityConfig& config) {
  const auto names = people.keys();
  for (const std::string& person : names) {
    for (const std::string& certname : people.texts(person).value_or(std::vector<std::string>{})) {
      const bool other_person =
          certname != person && std::ranges::find(names, certname) != names.end();
      if (other_person || !config.people.emplace(certname, person).second) {
        people.complain(person, "'" + certname + "' would be two people. Name each certname once.");
      }
    }
  }
  people.done();
}

}  // namespace

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

void read_operators(ConfigTable& root, ca::AuthorityConfig& config) {
  auto table = root.table("operators");
  if (!table) return;
  config.operators = table->texts("certnames").value_or(std::vector<std::string>{});
  if (auto people = table->table("people")) read_people(*people, config);
  table->done();
}

}  // namespace countersign::cli
