// How many certificates a rule signs in a time, before it leaves them to a person.
#ifndef COUNTERSIGN_POLICY_LIMIT_H_
#define COUNTERSIGN_POLICY_LIMIT_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign {
class ConfigTable;
}

namespace countersign::policy {

enum class Action;
struct Facts;

// At most `most` certificates in any span of time that is `period` long.
struct Limit {
  std::string per;  // "rule", "name" or "source": what is counted apart
  std::int64_t most = 0;
  std::chrono::seconds period{0};
  std::string text;  // "rule = 100/h"
  std::string key;   // under which this request counts; in a Decision only
};

// "100/h": the number is 1 to 1,000,000, the unit s, m, h or d.
struct Rate {
  std::int64_t most = 0;
  std::chrono::seconds period{0};
};
std::optional<Rate> parse_rate(std::string_view text);

// `limit` of a [[rule]] table. Complains of rates that are none, and in a rule that does not sign.
std::vector<Limit> read_limits(ConfigTable& rule, Action action);

// Unique to the rule and what is counted. Of an IPv6 source the /64 counts: a machine can have any
// address of it.
std::string limit_key(const Limit& limit, const std::string& rule, const Facts& facts);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_LIMIT_H_
