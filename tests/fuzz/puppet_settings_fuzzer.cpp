// puppet.conf and ca.conf: damage is inside the file, keys are of one level, a duration that is
// converted is one of ours, and text without `$` expands to itself.
#include "cli/puppet_settings.h"

#include <algorithm>
#include <string_view>

#include "base/clock.h"
#include "tests/fuzz/require.h"

using namespace countersign::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const SettingsFile& file : {parse_puppet_conf(text), parse_ca_conf(text)}) {
    for (const Finding& finding : file.damage) require(finding.line >= 1 && finding.line <= lines);
    for (const auto& [key, value] : file.values) {
      require(key.find('.') == std::string::npos);
      require(value.find('\n') == std::string::npos);
    }
  }
  const std::string duration = convert_duration(text);
  require(duration.empty() || countersign::parse_duration(duration).has_value());
  if (text.find('$') == std::string_view::npos) require(expand_setting(text, {}) == text);
  return 0;
}
