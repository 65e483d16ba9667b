// What `countersign import` says.
#ifndef COUNTERSIGN_CLI_IMPORT_REPORT_H_
#define COUNTERSIGN_CLI_IMPORT_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/findings.h"

namespace countersign::cli {

struct ImportReport {
  std::string source;
  std::string target;
  bool dry_run = false;
  bool refused = false;
  std::string ca;         // CN
  std::size_t chain = 0;  // CAs
  std::string next_serial;
  std::uint64_t crl_number = 0;
  std::size_t certificates = 0;  // serials
  std::size_t current = 0;       // that a name stands for: files in signed/
  std::size_t without_file = 0;  // of which the certificate itself is not there
  std::size_t revoked = 0;
  std::size_t revoked_unknown = 0;  // that only the CRL knows
  std::size_t requests = 0;
  std::string puppet_conf;
  std::string ca_conf;
  std::string settings;  // the table [puppet]
  std::vector<std::string> hostnames;
  std::string first_operator;
  Findings findings;
};

std::string report_text(const ImportReport& report);
std::string report_json(const ImportReport& report);  // one line

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_IMPORT_REPORT_H_
