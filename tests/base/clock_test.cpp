#include "base/clock.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(Rfc3339, ComesBackAsItWas) {
  for (const char* text : {"1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-11-24T15:04:05Z",
                           "2024-02-29T00:00:00Z", "2049-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
                           "0000-01-01T00:00:00Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(to_rfc3339(*time), text);
  }
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z")->time_since_epoch().count(), 0);
  EXPECT_EQ(parse_rfc3339("2026-11-24"), parse_rfc3339("2026-11-24T00:00:00Z"));
  EXPECT_EQ(parse_rfc3339("2026-11-24T15:04:05.999Z"), parse_rfc3339("2026-11-24T15:04:05Z"));
  const Timestamp late{std::chrono::milliseconds(1999)};
  EXPECT_EQ(to_rfc3339(late), "1970-01-01T00:00:01Z") << "milliseconds are cut";
  EXPECT_EQ(to_rfc3339(Timestamp{std::chrono::milliseconds(-1)}), "1969-12-31T23:59:59Z");
}

TEST(Rfc3339, ALeapSecondIsTheMidnightAfterIt) {
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60.5Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:61Z"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("2016-12-31T22:59:60Z"), std::nullopt) << "they end a day, in UTC";
}

TEST(Rfc3339, OtherFormsAreRefused) {
  for (const std::string& bad : {std::string(""),
                                 std::string("2026"),
                                 std::string("2026-11"),
                                 std::string("2026-1-24"),
                                 std::string("2026-13-01"),
                                 std::string("2026-00-01"),
                                 std::string("2026-02-29"),
                                 std::string("2026-11-31"),
                                 std::string("2026-11-24T"),
                                 std::string("2026-11-24 15:04:05Z"),
                                 std::string("2026-11-24T15:04:05"),
                                 std::string("2026-11-24T15:04:05+00:00"),
                                 std::string("2026-11-24T15:04:05z"),
                                 std::string("2026-11-24t15:04:05Z"),
                                 std::string("2026-11-24T24:00:00Z"),
                                 std::string("2026-11-24T15:60:00Z"),
                                 std::string("2026-11-24T15:04:60Z"),
                                 std::string("2026-11-24T15:04:05.Z"),
                                 std::string("2026-11-24T15:04:05,5Z"),
                                 std::string("2026-11-24T15:04Z"),
                                 std::string("2026-11-24T15:04:05Z "),
                                 std::string(" 2026-11-24"),
                                 std::string("+026-11-24"),
                                 std::string("20261124"),
                                 std::string("2026-11-24Z"),
                                 std::string("2026-11-24\0", 11),
                                 std::string("12026-11-24")}) {
    EXPECT_EQ(parse_rfc3339(bad), std::nullopt) << bad;
  }
}

TEST(Duration, IsANumberAndAUnitOnceOrMore) {
  using namespace std::chrono_literals;
  for (const auto& [text, wanted] :
       std::vector<std::pair<const char*, std::chrono::seconds>>{{"0s", 0s},
                                                                 {"45s", 45s},
                                                                 {"30m", 30min},
                                                                 {"12h", 12h},
                                                                 {"90d", 90 * 24h},
                                                                 {"5y", 5 * 365 * 24h},
                                                                 {"1d12h", 36h},
                                                                 {"1h1m1s", 3661s},
                                                                 {"007d", 7 * 24h},
                                                                 {"1000y", 1000 * 365 * 24h}}) {
    EXPECT_EQ(parse_duration(text), wanted) << text;
  }
  for (const char* bad :
       {"", "1", "d", "1d2", "-1d", "+1d", "1.5h", "1 d", " 1d", "1d ", "1w", "1D", "1ms", "0x1d",
        "1001y", "999y366d", "9223372036854775807s", "99999999999999999999d", "1e3s"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(SystemClock, GoesOn) {
  const Timestamp first = system_clock().now();
  EXPECT_GE(system_clock().now(), first);
  EXPECT_GT(first, *parse_rfc3339("2024-01-01"));
}

TEST(SystemClock, TheTimeSinceBootGoesOnToo) {
  const auto first = system_clock().since_boot();
  EXPECT_GT(first.count(), 0);
  EXPECT_GE(system_clock().since_boot(), first);
}

}  // namespace
}  // namespace countersign
