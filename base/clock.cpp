#include "base/clock.h"

#include <time.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>

namespace countersign {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
};

// Reads exactly `width` digits at `position` and moves it on.
std::optional<int> read_digits(std::string_view text, std::size_t& position, std::size_t width) {
  if (text.size() < position + width) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const char c = text[position + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  position += width;
  return value;
}

bool read_char(std::string_view text, std::size_t& position, char wanted) {
  if (position >= text.size() || text[position] != wanted) return false;
  ++position;
  return true;
}

}  // namespace

std::chrono::milliseconds Clock::since_boot() const {
  // Not steady_clock: that stands still while the machine sleeps.
  ::timespec passed{};
  ::clock_gettime(CLOCK_BOOTTIME, &passed);
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::seconds(passed.tv_sec) +
                                                       std::chrono::nanoseconds(passed.tv_nsec));
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string to_rfc3339(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  char text[32];
  const int written = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return std::string(text, static_cast<std::size_t>(written));
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  std::size_t at = 0;
  const auto y = read_digits(text, at, 4);
  if (!y || !read_char(text, at, '-')) return std::nullopt;
  const auto m = read_digits(text, at, 2);
  if (!m || !read_char(text, at, '-')) return std::nullopt;
  const auto d = read_digits(text, at, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  const Timestamp midnight{sys_days{date}};
  if (at == text.size()) return midnight;
  if (!read_char(text, at, 'T')) return std::nullopt;
  const auto hour = read_digits(text, at, 2);
  if (!hour || *hour > 23 || !read_char(text, at, ':')) return std::nullopt;
  const auto minute = read_digits(text, at, 2);
  if (!minute || *minute > 59 || !read_char(text, at, ':')) return std::nullopt;
  const auto second = read_digits(text, at, 2);
  // A leap second (RFC 3339 5.6) is the first second of the next day, as POSIX counts.
  if (!second || *second > (*hour == 23 && *minute == 59 ? 60 : 59)) return std::nullopt;
  if (read_char(text, at, '.')) {
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first) return std::nullopt;
  }
  if (!read_char(text, at, 'Z') || at != text.size()) return std::nullopt;
  return midnight + hours{*hour} + minutes{*minute} + seconds{*second};
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (ec != std::errc{} || count < 0 || end == text.data() + text.size()) return std::nullopt;
    std::int64_t unit = 0;
    switch (*end) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      case 'y':
        unit = std::int64_t{365} * 86400;
        break;
      default:
        return std::nullopt;
    }
    // A thousand years is over any use and far from overflow.
    constexpr std::int64_t kLongest = std::int64_t{1000} * 365 * 86400;
    if (count > kLongest / unit || total + count * unit > kLongest) return std::nullopt;
    total += count * unit;
    text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
  }
  return std::chrono::seconds{total};
}

}  // namespace countersign
