#include "policy/limit.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/config_reader.h"
#include "policy/cidr.h"
#include "policy/decision.h"

namespace countersign::policy {
namespace {

constexpr std::int64_t kMost = 1'000'000;

std::optional<std::chrono::seconds> unit_of(char letter) {
  switch (letter) {
    case 's':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::minutes(1);
    case 'h':
      return std::chrono::hours(1);
    case 'd':
      return std::chrono::days(1);
    default:
      return std::nullopt;
  }
}

// The whole address of IPv4, mapped or not; the network of IPv6. An address that cannot be read
// counts as it is written.
std::string network_of(const std::string& source) {
  const auto address = parse_address(source);
  if (!address) return source;
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool v4 = std::equal(std::begin(kMapped), std::end(kMapped), address->begin());
  return to_hex(ByteView(*address).first(v4 ? 16 : 8));
}

}  // namespace

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 2 != text.size()) return {};
  const auto unit = unit_of(text.back());
  std::int64_t most = 0;
  const char* end = text.data() + slash;
  const auto read = std::from_chars(text.data(), end, most);
  if (!unit || read.ec != std::errc() || read.ptr != end || most < 1 || most > kMost) return {};
  return Rate{most, *unit};
}

std::vector<Limit> read_limits(ConfigTable& rule, Action action) {
  std::vector<Limit> limits;
  auto table = rule.table("limit");
  if (!table) return limits;
  if (action != Action::sign) {
    rule.complain("limit", "only a rule that signs has limits. Remove 'limit'.");
  }
  for (const char* per : {"rule", "name", "source"}) {
    const auto text = table->text(per);
    if (!text) continue;
    const auto rate = parse_rate(*text);
    if (!rate) {
      table->complain(per, "'" + std::string(per) +
                               "' must be a rate such as \"100/h\": how many (1 to 1000000) in a "
                               "second (s), minute (m), hour (h) or day (d).");
      continue;
    }
    limits.push_back({.per = per,
                      .most = rate->most,
                      .period = rate->period,
                      .text = std::string(per) + " = " + *text,
                      .key = ""});
  }
  table->done();
  if (table->keys().empty()) {
    rule.complain("limit", "'limit' is empty. Write limit = { rule = \"100/h\" }, or remove it.");
  }
  return limits;
}

std::string limit_key(const Limit& limit, const std::string& rule, const Facts& facts) {
  // Neither a certname nor an address holds a line break, so no two keys can be taken for another.
  std::string key = limit.per + "\n" + rule;
  if (limit.per == "name") key += "\n" + facts.certname;
  if (limit.per == "source") key += "\n" + network_of(facts.source);
  return key;
}

}  // namespace countersign::policy
