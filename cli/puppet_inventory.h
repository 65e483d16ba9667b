// inventory.txt and serial of a Puppet CA directory (contract section 5): text only, no files.
#ifndef COUNTERSIGN_CLI_PUPPET_INVENTORY_H_
#define COUNTERSIGN_CLI_PUPPET_INVENTORY_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace countersign::cli {

// One row: `0x002A 2024-01-01T00:00:00UTC 2029-01-01T00:00:00UTC /CN=agent.example.com`.
struct InventoryRow {
  Bytes serial;  // unsigned, big-endian, no leading zero; one zero byte for 0
  Timestamp not_before;
  Timestamp not_after;
  std::string subject;   // what follows the slash; a CA's may hold spaces
  std::size_t line = 0;  // from 1; not part of the text
  bool operator==(const InventoryRow&) const = default;

  // Of a subject that is one CN; "" for any other.
  std::string certname() const;
};

// A place in a file of the directory, and what is wrong there.
struct Finding {
  std::string file;      // relative to the directory
  std::size_t line = 0;  // 0: the file as a whole
  std::string text;
};

struct Inventory {
  std::vector<InventoryRow> rows;  // in file order
  std::vector<Finding> damage;     // lines that are no row; `file` is empty
};

// Blank lines are skipped. A last row without its newline counts: CLI tools write such.
Inventory parse_inventory(std::string_view text);
// The row with its newline, serial as `0x%04X`.
std::string format_inventory_row(const InventoryRow& row);

// Hexadecimal of any width and case, within blanks. malformed with what was found.
Result<Bytes> parse_serial_file(std::string_view text);
// `%04X`, without a newline, as puppetserver writes it.
std::string format_serial(ByteView serial);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_INVENTORY_H_
