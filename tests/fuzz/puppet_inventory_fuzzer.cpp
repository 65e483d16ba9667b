// inventory.txt: every row that is read, written again, means the same; every line is a row, blank
// or damage. And the serial file: what is read is written and read back.
#include "cli/puppet_inventory.h"

#include <algorithm>
#include <string_view>

#include "tests/fuzz/require.h"

using namespace countersign::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Inventory inventory = parse_inventory(text);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  require(inventory.rows.size() + inventory.damage.size() <= lines);
  for (const InventoryRow& row : inventory.rows) {
    require(row.line >= 1 && row.line <= lines);
    require(!row.serial.empty() && (row.serial.size() == 1 || row.serial.front() != 0));
    require(row.certname().find('/') == std::string::npos);
    const Inventory again = parse_inventory(format_inventory_row(row));
    require(again.damage.empty() && again.rows.size() == 1);
    InventoryRow expected = row;
    expected.line = 1;
    require(again.rows.front() == expected);
  }
  if (const auto serial = parse_serial_file(text)) {
    const auto again = parse_serial_file(format_serial(*serial));
    require(again.has_value() && *again == *serial);
  }
  return 0;
}
