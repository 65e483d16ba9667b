// What the store keeps, in the terms of inventory.txt and serial of a Puppet CA directory.
#ifndef COUNTERSIGN_CLI_PUPPET_EXPORT_ROWS_H_
#define COUNTERSIGN_CLI_PUPPET_EXPORT_ROWS_H_

#include <cstdint>
#include <string_view>

#include "cli/puppet_inventory.h"
#include "store/records.h"

namespace countersign::cli {

InventoryRow inventory_row(const store::CertificateRecord& certificate);

// Can `certname` be the stem of a file in signed/ or requests/?
bool names_a_file(std::string_view certname);

// Finds the number that puppetserver gives next. It counts, and reads the file `serial` as a signed
// number of 32 bits; our own serials of 128 bits lie far above, so it never comes to one of them.
class NextSerial {
 public:
  // Of a certificate that this CA issued.
  void saw(ByteView serial);
  // `counter`: what the file `serial` held when the CA was imported; empty if it was not. conflict
  // if none is left.
  Result<Bytes> next(ByteView counter) const;

 private:
  std::uint64_t highest_ = 0;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_PUPPET_EXPORT_ROWS_H_
