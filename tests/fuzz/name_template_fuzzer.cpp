// Certnames that identity documents fill in: the first line is the template, the others are values.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "policy/name_template.h"
#include "tests/fuzz/require.h"

using namespace countersign;
using countersign::policy::NameTemplate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = as_text({data, size});
  const auto line = [&input] {
    const std::string_view text = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), text.size() + 1));
    return text;
  };
  NameTemplate name;
  const std::string_view text = line();
  if (!NameTemplate::is_template(text) || !name.parse(text).empty()) return 0;
  NameTemplate::Claims claims;
  for (const char* claim : {"aws.instance_id", "aws.region", "k8s.pod"}) claims[claim] = line();
  const std::string expanded = name.expand(claims);
  // What it gives is what it takes, and nothing else.
  if (!expanded.empty()) {
    require(name.matches(expanded, claims));
    require(!name.matches(expanded + "x", claims));
    require(!name.matches("x" + expanded, claims));
    require(std::string_view(expanded).ends_with(name.tail()));
  }
  const std::string_view other = line();
  require(name.matches(other, claims) == (!expanded.empty() && other == expanded));
  return 0;
}
