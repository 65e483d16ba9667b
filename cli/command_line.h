// From argv to a verb and back to an exit code.
#ifndef COUNTERSIGN_CLI_COMMAND_LINE_H_
#define COUNTERSIGN_CLI_COMMAND_LINE_H_

namespace countersign::cli {

// Never throws; every failure is a text on stderr and an exit code of failure.h.
int run(int argc, const char* const* argv);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_COMMAND_LINE_H_
