// infra_inventory.txt: the certnames of the machines that every agent talks to (Puppet contract
// 4.5).
#ifndef COUNTERSIGN_CA_INFRA_INVENTORY_H_
#define COUNTERSIGN_CA_INFRA_INVENTORY_H_

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace countersign::ca {

using CertNames = std::set<std::string>;

// A certname a line; blank lines, and lines that begin with '#', say nothing. malformed with `file`
// and the line for what is no certname.
Result<CertNames> parse_infra_inventory(std::string_view text, const std::filesystem::path& file);
// not_found if there is no such file, too_large over 1 MiB.
Result<CertNames> read_infra_inventory(const std::filesystem::path& file);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_INFRA_INVENTORY_H_
