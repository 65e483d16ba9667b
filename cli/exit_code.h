// The exit codes that scripts rely on.
#ifndef COUNTERSIGN_CLI_EXIT_CODE_H_
#define COUNTERSIGN_CLI_EXIT_CODE_H_

namespace countersign::cli {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,       // or refused by the server
  kUsage = 2,        // wrong usage or configuration
  kNothing = 3,      // nothing to do, or not found
  kUnreachable = 4,  // the server
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_EXIT_CODE_H_
