// How many decisions a second a policy makes on one core, how long one takes, and what a name of an
// allowlist costs.
//   policy_bench [--json]
// Prints a line for each policy: decisions a second, p50, p99 and the longest of one decision in
// microseconds,
// the whole trace as JSON; and of a million names the bytes for each. With --json the same as one
// array.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/allowlist.h"
#include "policy/rule_set.h"

namespace {

using namespace countersign;
using namespace countersign::policy;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kNames = 1'000'000;

class OneList final : public FileSystem {
 public:
  Result<std::string> read(const std::filesystem::path&, std::size_t) const override {
    std::string text;
    for (std::size_t i = 0; i < kNames; ++i) text += name(i) + "\n";
    return text;
  }
  Result<void> write(const std::filesystem::path&, std::string_view, mode_t) const override {
    return fail(Code::unavailable, "read only");
  }
  static std::string name(std::size_t i) {
    return "host-" + std::to_string(i) + ".rack-" + std::to_string(i % 977) + ".example.com";
  }
};

struct Row {
  std::string policy;
  double per_second = 0;
  double p50 = 0;  // us
  double p99 = 0;
  double max = 0;         // also what else the machine does
  std::size_t trace = 0;  // bytes of the longest
};

Row measure(const std::string& title, const std::string& toml,
            const std::function<std::string(std::size_t)>& certname) {
  constexpr std::size_t kDecisions = 100'000;
  static const OneList files;
  LoadContext context;
  context.files = &files;
  const auto rules = RuleSet::parse(toml, "/bench/policy.toml", context);
  if (rules.has_error()) {
    std::fprintf(stderr, "%s\n", rules.error().detail.c_str());
    std::exit(1);
  }
  std::vector<double> times;
  times.reserve(kDecisions);
  Row row{.policy = title};
  Facts facts;
  facts.key_algorithm = "ec";
  facts.key_bits = 256;
  facts.source = "10.1.2.3";
  facts.identity.emplace();
  facts.identity->claims = {{"aws.account", "000000000500"},
                            {"aws.image", "ami-5fb8c835"},
                            {"aws.instance_id", "i-0123456789abcdef0"},
                            {"aws.instance_type", "t2.micro"},
                            {"aws.region", "eu-west-1"}};
  double total = 0;
  for (std::size_t i = 0; i < kDecisions; ++i) {
    facts.certname = certname(i);
    const auto begin = Steady::now();
    const Decision decision = (*rules)->decide(facts);
    times.push_back(std::chrono::duration<double, std::micro>(Steady::now() - begin).count());
    total += times.back();
    if (i % 1000 == 0) row.trace = std::max(row.trace, trace_to_json(decision.trace).size());
  }
  std::ranges::sort(times);
  row.per_second = kDecisions / total * 1e6;
  row.p50 = times[kDecisions / 2];
  row.p99 = times[kDecisions * 99 / 100];
  row.max = times.back();
  return row;
}

std::string rule(std::size_t i, const std::string& match) {
  return "[[rule]]\nname = \"rule " + std::to_string(i) + "\"\naction = \"sign\"\nmatch = { " +
         match + " }\n";
}

std::string expressions(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += rule(i, "certname_regex = 'web-[a-z0-9]+\\.tier" + std::to_string(i) +
                        "\\.example\\.com', source = \"10.0.0.0/8\"");
  }
  return text;
}

std::string lists(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += rule(i, "certname = [\"db." + std::to_string(i) + ".example.com\", \"*.tier" +
                        std::to_string(i) + ".example.com\"]");
  }
  return text;
}

// An account a rule, all with the same form of names: the end of a name rules nothing out.
std::string accounts(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    std::string account = std::to_string(i);
    account.insert(0, 12 - account.size(), '0');
    text += rule(i, "aws.account = \"" + account +
                        "\", certname = \"{aws.instance_id}.{aws.region}.example.com\"");
  }
  return text;
}

// The tier of the last rule, of one in the middle, and one that has no rule.
std::string machine(std::size_t i, std::size_t rules) {
  const std::size_t tiers[] = {rules - 1, (i * 7919) % rules, rules + i};
  return "web-" + std::to_string(i * 31) + ".tier" + std::to_string(tiers[i % 3]) + ".example.com";
}

double bytes_a_name() {
  Allowlist list;
  std::size_t text = 0;
  for (std::size_t i = 0; i < kNames; ++i) {
    const std::string name = OneList::name(i);
    text += name.size();
    list.add(name);
  }
  list.shrink();
  return static_cast<double>(list.bytes() - text) / static_cast<double>(kNames);
}

}  // namespace

int main(int argc, char** argv) {
  const bool json = argc == 2 && std::string_view(argv[1]) == "--json";
  if (argc > 1 && !json) {
    std::fprintf(stderr, "usage: policy_bench [--json]\n");
    return 2;
  }
  std::vector<Row> rows;
  for (const std::size_t count : {std::size_t{10}, std::size_t{1000}}) {
    const auto name = [count](std::size_t i) { return machine(i, count); };
    const std::string rules = std::to_string(count) + " rules, ";
    rows.push_back(measure(rules + "regex", expressions(count), name));
    rows.push_back(measure(rules + "globs", lists(count), name));
    rows.push_back(measure(rules + "accounts", accounts(count), [](std::size_t i) {
      return i % 3 == 0 ? "i-0.eu-west-1.example.com" : "i-0123456789abcdef0.eu-west-1.example.com";
    }));
  }
  rows.push_back(measure("1,000,000 names", rule(0, "certname_file = \"list\""), [](std::size_t i) {
    return i % 2 == 0 ? OneList::name(i * 9) : "no-" + OneList::name(i);
  }));
  const double overhead = bytes_a_name();
  if (json) {
    std::printf("[");
    for (const Row& row : rows) {
      std::printf(
          "{\"policy\":\"%s\",\"decisions_per_second\":%.0f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
          "\"max_us\":%.0f,\"trace_bytes\":%zu},",
          row.policy.c_str(), row.per_second, row.p50, row.p99, row.max, row.trace);
    }
    std::printf("{\"policy\":\"1,000,000 names\",\"overhead_bytes_per_name\":%.1f}]\n", overhead);
    return 0;
  }
  std::printf("%-20s %12s %8s %8s %8s %12s\n", "policy", "decisions/s", "p50 us", "p99 us",
              "max us", "trace bytes");
  for (const Row& row : rows) {
    std::printf("%-20s %12.0f %8.2f %8.2f %8.0f %12zu\n", row.policy.c_str(), row.per_second,
                row.p50, row.p99, row.max, row.trace);
  }
  std::printf("a name of a million costs %.1f bytes and its text\n", overhead);
  return 0;
}
