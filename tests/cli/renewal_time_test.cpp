#include "cli/renewal_time.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SetClock : public Clock {
 public:
  Timestamp now() const override { return at; }
  milliseconds since_boot() const override { return passed; }
  void advance(milliseconds by) {
    at += by;
    passed += by;
  }

  Timestamp at{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1)};
  milliseconds passed{};
};

class RenewalTimeTest : public ::testing::Test {
 protected:
  void make() { time.made(clock.at - days(1), clock.at + days(90)); }

  SetClock clock;
  RenewalTime time{clock};
};

TEST_F(RenewalTimeTest, ACertificateIsRenewedAfterTwoThirdsOfItsTime) {
  make();
  EXPECT_FALSE(time.due());
  clock.advance(days(60) - milliseconds(1));
  EXPECT_FALSE(time.due());
  clock.advance(milliseconds(1));
  EXPECT_TRUE(time.due());
  make();
  EXPECT_FALSE(time.due());
}

TEST_F(RenewalTimeTest, OneThatWasMadeByAClockThatWasAheadIsReplacedWhenTheClockIsPutRight) {
  clock.at += days(2 * 365);
  make();
  EXPECT_FALSE(time.due());
  clock.at -= days(2 * 365);
  EXPECT_TRUE(time.due()) << "nobody takes it now";
  make();
  EXPECT_FALSE(time.due());
}

TEST_F(RenewalTimeTest, AClockThatIsPutBackByLessThanTheBackdateLeavesItAsGood) {
  make();
  clock.at -= days(1);
  EXPECT_FALSE(time.due());
  clock.at -= milliseconds(1);
  EXPECT_TRUE(time.due());
}

TEST_F(RenewalTimeTest, ATryInVainIsFollowedByAnotherInSecondsWhereverTheClockGoes) {
  make();
  clock.at += days(2 * 365);
  ASSERT_TRUE(time.due());
  time.failed();
  EXPECT_FALSE(time.due());
  clock.at -= days(2 * 365);
  clock.advance(seconds(10));
  EXPECT_TRUE(time.due()) << "not in two years";
  time.failed();
  clock.at -= days(365);
  EXPECT_FALSE(time.due());
  clock.advance(seconds(10));
  EXPECT_TRUE(time.due());
}

}  // namespace
}  // namespace countersign::cli
