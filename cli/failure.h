// How a verb ends when it cannot do what was asked.
#ifndef COUNTERSIGN_CLI_FAILURE_H_
#define COUNTERSIGN_CLI_FAILURE_H_

#include <stdexcept>
#include <string>

#include "base/result.h"

namespace countersign::cli {

// The exit codes that scripts rely on.
enum Exit : int { kDone = 0, kFailed = 1, kUsage = 2, kNothing = 3, kUnreachable = 4 };

// Ends the verb. An exception and not a Result: every verb is one straight line whose only answer
// to a failure is to say so and exit, and command_line.cpp does both in one place.
class Failure : public std::runtime_error {
 public:
  Failure(Exit code, const std::string& text) : std::runtime_error(text), code_(code) {}
  Exit code() const { return code_; }

 private:
  Exit code_;
};

// The value, or the end of the verb.
template <class T>
T required(Result<T> result, Exit code, const std::string& doing = "") {
  if (result.has_error()) {
    const Error& error = result.error();
    throw Failure(code, (doing.empty() ? "" : doing + ": ") + error.detail +
                            (error.cause.empty() ? "" : " (" + error.cause + ")"));
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_FAILURE_H_
