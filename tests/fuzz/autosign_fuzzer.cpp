// Puppet's list: a line alone means what it means among others, an invalid line matches nothing,
// and no list but one with "*" matches everything.
#include <algorithm>
#include <string>

#include "policy/puppet_autosign.h"
#include "tests/fuzz/require.h"

using countersign::policy::AutosignList;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const AutosignList all = AutosignList::parse(text);
  for (const char* name : {"web-1.example.com", "example.com", "db1", "rootca."}) {
    bool any = false;
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      const bool matches = AutosignList::parse(line).matches(name);
      any = any || matches;
      if (!matches) continue;
      require(!line.empty() && line.front() != '#');
      require(line.find_first_of(" #") == std::string_view::npos);
      require(line == name || line.front() == '*');
      require(line == "*" || line == name || line.find('.') != std::string_view::npos);
    }
    require(all.matches(name) == any);
  }
  for (const std::string& line : all.invalid()) {
    require(line.find_first_of(" #") != std::string::npos);
    require(line.find_first_of("\r\n") == std::string::npos);
  }
  constexpr const char* kUnlisted = "a-name.that.nobody-would.list-3f1c9b";
  // The fuzzer may well learn the name and list it.
  const bool listed = text.find(kUnlisted) != std::string_view::npos;
  if (all.matches(kUnlisted) && !listed) require(text.find('*') != std::string_view::npos);
  return 0;
}
