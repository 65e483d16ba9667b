// Time as the program sees it. Logic takes a Clock and never asks the system.
#ifndef COUNTERSIGN_BASE_CLOCK_H_
#define COUNTERSIGN_BASE_CLOCK_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign {

// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  // Time that nobody sets, sleep of the machine included. Only differences mean something.
  virtual std::chrono::milliseconds since_boot() const;
};

// The system's wall clock.
const Clock& system_clock();

// RFC 3339 in UTC with whole seconds: "2026-11-24T15:04:05Z".
std::string to_rfc3339(Timestamp time);

// Accepts what to_rfc3339 writes, with an optional fraction, and a date alone (midnight UTC). The
// leap second 23:59:60 is the midnight after it.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

// "90d", "12h", "30m", "45s", "5y" (365 days), or several in a row: "1d12h". No unit is an error.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_CLOCK_H_
