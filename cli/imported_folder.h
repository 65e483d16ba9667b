// The CA folder that an import makes of a Puppet CA.
#ifndef COUNTERSIGN_CLI_IMPORTED_FOLDER_H_
#define COUNTERSIGN_CLI_IMPORTED_FOLDER_H_

#include <filesystem>

#include "cli/ca_folder.h"
#include "cli/import_report.h"
#include "cli/puppet_source.h"

namespace countersign::cli {

// Writes `dir` as a whole or not at all; what `serve` would refuse to start with is refused here.
// The source has an issuer and a CRL, and its rows are moved into the store. Throws Failure.
void write_imported_folder(const FolderOptions& options, const std::filesystem::path& dir,
                           PuppetSource& source, const ImportReport& report);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_IMPORTED_FOLDER_H_
