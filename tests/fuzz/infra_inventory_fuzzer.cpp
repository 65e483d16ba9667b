// Whatever the list holds, what comes of it are certnames that stand in it, or one line is named.
#include <string>

#include "ca/infra_inventory.h"
#include "policy/certname.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto names = countersign::ca::parse_infra_inventory(text, "list");
  if (names.has_error()) {
    require(names.error().detail.starts_with("list:"));
    return 0;
  }
  for (const std::string& name : *names) {
    require(countersign::policy::check_certname(name).has_value());
    require(text.find(name) != std::string::npos);
  }
  return 0;
}
