// Whatever text is given as a case file: it is refused with errors of which each names its place,
// or every case of it is one that a policy can be asked about.
#include <string>

#include "policy/case_file.h"
#include "policy/certname.h"
#include "policy/rule_set.h"
#include "tests/fuzz/require.h"

namespace policy = countersign::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto rules = policy::RuleSet::empty(policy::Action::deny);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = policy::parse_cases(text, "/p/cases.toml");
  if (file.has_error()) {
    require(file.error().code == countersign::Code::malformed);
    require(file.error().detail.starts_with("/p/cases.toml:"));
    return 0;
  }
  require(!file->cases.empty());
  for (const policy::Case& row : file->cases) {
    require(!row.name.empty() && row.place.starts_with("/p/cases.toml:"));
    require(policy::check_certname(row.facts.certname).has_value());
    require(row.facts.key_bits > 0 && !row.facts.key_algorithm.empty());
    for (const auto& extension : row.facts.extensions) require(!extension.oid.empty());
    const policy::Decision decision = rules->decide(row.facts);
    require(decision.action == policy::Action::deny);
    if (policy::as_expected(row.expected, decision)) {
      require(row.expected.action == policy::Action::deny);
      require(row.expected.rule.value_or("").empty());
    }
  }
  return 0;
}
