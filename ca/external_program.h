// Runs a site's own program with a deadline, and leaves nothing of it behind.
#ifndef COUNTERSIGN_CA_EXTERNAL_PROGRAM_H_
#define COUNTERSIGN_CA_EXTERNAL_PROGRAM_H_

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace countersign::ca {

struct ProgramResult {
  int exit_code = 0;
  std::string error_output;  // the first 4 KiB of stderr
};

// Runs `program` with one argument and `input` on its stdin; blocks. A program that does not read
// its input is fine. At the deadline it and all its descendants, those in other sessions and
// process groups too, are killed: unavailable. Descendants that stay when it ends are killed as
// well. A signal or a failed start (exit code 127, as in a shell): unavailable.
//
// Thread-safe. stdout is discarded. No descriptor of ours reaches the program.
Result<ProgramResult> run_program(const std::filesystem::path& program, const std::string& argument,
                                  std::string_view input, std::chrono::milliseconds deadline);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_EXTERNAL_PROGRAM_H_
