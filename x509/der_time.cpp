// UTCTime and GeneralizedTime as RFC 5280 4.1.2.5 allows them.
#include <algorithm>
#include <array>
#include <stdexcept>

#include "x509/der.h"

namespace countersign::x509::der {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

std::optional<Timestamp> parse_time(std::uint8_t tag, std::string_view text) {
  const std::size_t year_digits = tag == kUtcTime ? 2 : 4;
  if (text.size() != year_digits + 11 || text.back() != 'Z') return std::nullopt;
  if (!std::all_of(text.begin(), text.end() - 1, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::size_t at = 0;
  const auto number = [&](std::size_t digits) {
    unsigned value = 0;
    for (; digits > 0; --digits) value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    return value;
  };
  unsigned year = number(year_digits);
  if (tag == kUtcTime) year += year >= 50 ? 1900 : 2000;
  const unsigned month = number(2);
  const unsigned day = number(2);
  const unsigned hour = number(2);
  const unsigned minute = number(2);
  const unsigned second = number(2);
  const year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                            std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

Timestamp Reader::time(std::string_view what) {
  const Element element = any(what);
  if (fault_->found()) return {};
  if (element.tag == kUtcTime || element.tag == kGeneralizedTime) {
    if (const auto time = parse_time(element.tag, as_text(element.content))) return *time;
  }
  fault_->note("The " + std::string(what) +
               " is not a time of the form YYMMDDhhmmssZ (UTCTime) or " +
               "YYYYMMDDhhmmssZ (GeneralizedTime).");
  return {};
}

void Writer::time(std::chrono::sys_seconds time) {
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  const int year = static_cast<int>(date.year());
  if (year < 1950 || year > 9999) throw std::invalid_argument("a time that X.509 cannot express");
  const bool utc_time = year < 2050;
  // By hand: a CRL has a time an entry, and printf takes longer than the rest of one.
  std::array<std::uint8_t, 15> text{};
  std::size_t size = 0;
  const auto pair = [&](unsigned value) {
    text.at(size++) = static_cast<std::uint8_t>('0' + value / 10);
    text.at(size++) = static_cast<std::uint8_t>('0' + value % 10);
  };
  if (!utc_time) pair(static_cast<unsigned>(year / 100));
  pair(static_cast<unsigned>(year % 100));
  pair(static_cast<unsigned>(date.month()));
  pair(static_cast<unsigned>(date.day()));
  pair(static_cast<unsigned>(clock.hours().count()));
  pair(static_cast<unsigned>(clock.minutes().count()));
  pair(static_cast<unsigned>(clock.seconds().count()));
  text.at(size++) = 'Z';
  element(utc_time ? kUtcTime : kGeneralizedTime, ByteView(text).first(size));
}

}  // namespace countersign::x509::der
