// An inventory and a CRL, whatever they hold: one row a serial, every serial of either is there,
// every revoked one is revoked with the date and reason of the CRL, and no row stands for a name.
// The input is inventory.txt; a line of it that is a number and nothing else is a serial of the
// CRL.
#include "cli/puppet_merge.h"

#include <algorithm>
#include <set>

#include "tests/fuzz/require.h"

using namespace countersign;
using namespace countersign::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Inventory inventory = parse_inventory(text);
  Revocations revoked;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto serial = parse_serial_file(line);
    if (serial) revoked[*serial] = {Timestamp(std::chrono::seconds(line.size())), 1};
  }
  Findings findings;
  const auto rows =
      merge_certificates(inventory.rows, {}, revoked, "issuer", Timestamp::max(), findings);
  std::set<Bytes, SerialOrder> serials;
  for (const store::CertificateRecord& row : rows) {
    require(serials.insert(row.serial).second);
    require(row.der.empty() && !row.current && !row.certname.empty());
    const auto entry = revoked.find(row.serial);
    require(row.revocation.has_value() == (entry != revoked.end()));
    if (row.revocation) require(*row.revocation == entry->second);
  }
  for (const InventoryRow& row : inventory.rows) require(serials.contains(row.serial));
  for (const auto& [serial, revocation] : revoked) require(serials.contains(serial));
  check_next_serial({1}, rows, findings);
  return 0;
}
