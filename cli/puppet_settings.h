// The settings of a Puppet CA that mean something here: a subset of puppet.conf and of ca.conf
// (contract section 0). Text only, no files.
#ifndef COUNTERSIGN_CLI_PUPPET_SETTINGS_H_
#define COUNTERSIGN_CLI_PUPPET_SETTINGS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/puppet_inventory.h"

namespace countersign::cli {

struct SettingsFile {
  std::map<std::string, std::string> values;
  std::vector<Finding> damage;  // lines that cannot be read; `file` is empty
};

// INI. What a server sees: [server] before [master] before [main]; other sections are not the
// CA's. A `{ mode = … }` after a value is dropped, `$name` is left as it is.
SettingsFile parse_puppet_conf(std::string_view text);

// The plain values below `certificate-authority` of a HOCON file: braces or dotted keys, ':', '='
// or nothing before a brace, comments by '#' and "//". Objects and lists inside are skipped.
SettingsFile parse_ca_conf(std::string_view text);

// `$confdir/autosign.conf` with the names replaced that `values` holds; what it does not hold is
// left.
std::string expand_setting(std::string_view text, const std::map<std::string, std::string>& values);

// A duration of puppet.conf or ca.conf ("5y", "1y 2d3h", seconds without a unit) in the form that
// countersign.toml takes; "" if it is none or not over 0.
std::string convert_duration(std::string_view text);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_SETTINGS_H_
