// A name that is accepted is harmless as a file name and in a log; a list of it matches it and
// nothing near it.
#include <algorithm>
#include <string>

#include "policy/allowlist.h"
#include "policy/certname.h"
#include "tests/fuzz/require.h"

namespace {

using namespace countersign::policy;

bool lower_case_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void check_accepted(const std::string& name) {
  require(!name.empty() && name.size() <= 253);
  require(std::ranges::all_of(name, lower_case_label_char));
  require(name.find("..") == std::string::npos);
  require(name.front() != '.' && name.front() != '-' && name.back() != '-');
  require(name != "ca");

  Allowlist exact;
  require(exact.add(name) && exact.size() == 1);
  require(exact.matches(name));
  require(!exact.matches("x" + name) && !exact.matches("x." + name) && !exact.matches(name + "x"));
  require(!exact.matches(name + "\n"));

  Allowlist glob;
  require(glob.add("*." + name) && glob.size() == 1);
  require(glob.matches("x." + name) && glob.matches("x.y." + name));
  require(!glob.matches(name) && !glob.matches("x" + name) && !glob.matches(name + ".X"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string name(reinterpret_cast<const char*>(data), size);
  const auto checked = check_certname(name);
  if (checked.has_value()) {
    check_accepted(name);
  } else {
    require(checked.error().code == countersign::Code::bad_name);
    require(!checked.error().detail.empty());
    Allowlist list;
    // What is no name is no entry, unless it is a glob of one.
    if (list.add(name)) require(name.starts_with("*.") && check_certname(name.substr(2)));
  }
  if (valid_dns_name(name, true)) {
    require(!name.empty() && name.size() <= 255 && name.find('\0') == std::string::npos);
    require(name.find("..") == std::string::npos && name.front() != '.' && name.back() != '.');
    const auto stars = std::ranges::count(name, '*');
    require(stars == 0 || (stars == 1 && name.starts_with("*.")));
    require(valid_dns_name(name, false) == (stars == 0));
  }
  return 0;
}
