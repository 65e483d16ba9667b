// A limit of so many in a time, exact in any span of that length.
#include "store/allowance.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/store/rows.h"

namespace countersign::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

class Window {
 public:
  Window(std::int64_t most, milliseconds period) : most_(most), period_(period) {}

  // One more, if there is room.
  bool take(Timestamp now) {
    const Allowance left = at_time(state, now, period_);
    if (free_at(left, most_, period_)) return false;
    state = taken(left, now, period_);
    return true;
  }
  int take_many(Timestamp now, int tries) {
    int got = 0;
    for (int i = 0; i < tries; ++i) got += take(now) ? 1 : 0;
    return got;
  }
  std::optional<Timestamp> room(Timestamp now) const {
    return free_at(at_time(state, now, period_), most_, period_);
  }
  void settle(Timestamp now) {
    if (ahead(state, now, period_)) state = at_time(state, now, period_);
  }

  Allowance state;

 private:
  std::int64_t most_;
  milliseconds period_;
};

constexpr std::int64_t kNow = 1'800'000'000;

TEST(Allowance, AsManyAsTheLimitAtOnceAndThenNoneUntilThePeriodIsOver) {
  Window window(10, hours(1));
  EXPECT_EQ(window.take_many(at(kNow), 50), 10);
  EXPECT_EQ(window.take_many(at(kNow) + minutes(59), 50), 0);
  const auto room = window.room(at(kNow));
  ASSERT_TRUE(room);
  EXPECT_GT(*room, at(kNow) + hours(1));
  EXPECT_LE(*room, at(kNow) + hours(1) + minutes(1)) << "at most a sixtieth late";
  EXPECT_EQ(window.take_many(*room - milliseconds(1), 1), 0) << "what is told is exact";
  EXPECT_EQ(window.take_many(*room, 50), 10);
}

TEST(Allowance, NeverMoreThanTheLimitInAnySpanThatIsAsLongAsThePeriod) {
  std::mt19937 random(7);
  for (const auto& [most, period] : std::vector<std::pair<std::int64_t, milliseconds>>{
           {1, hours(1)}, {7, hours(1)}, {100, minutes(1)}, {5, std::chrono::seconds(1)}}) {
    Window window(most, period);
    Timestamp now = at(kNow);
    std::vector<Timestamp> got;
    const auto step = period.count() / (2 * most) + 1;
    for (int i = 0; i < 3000; ++i) {
      now += milliseconds(random() % static_cast<std::uint64_t>(2 * step));
      if (window.take(now)) got.push_back(now);
      ASSERT_LE(window.state.uses.size(), 62U) << "the row stays small";
    }
    ASSERT_GT(got.size(), static_cast<std::size_t>(2 * most)) << "places are free again";
    for (std::size_t i = static_cast<std::size_t>(most); i < got.size(); ++i) {
      ASSERT_GE(got[i] - got[i - static_cast<std::size_t>(most)], period) << most;
    }
  }
}

TEST(Allowance, AClockThatIsPutBackNeitherBarsTheWayForEverNorGivesTheLimitAnew) {
  Window window(3, hours(1));
  ASSERT_EQ(window.take_many(at(kNow) + hours(24 * 365), 3), 3);
  EXPECT_EQ(window.take_many(at(kNow), 1), 0) << "not given anew";
  window.settle(at(kNow));
  EXPECT_EQ(window.take_many(at(kNow) + minutes(59), 1), 0);
  EXPECT_EQ(window.take_many(at(kNow) + minutes(62), 9), 3) << "not lost for a year";
}

TEST(Allowance, ALittleDisorderOfTimesFreesNothingEarly) {
  Window window(2, std::chrono::seconds(1));
  ASSERT_TRUE(window.take(at(kNow) + milliseconds(500)));
  ASSERT_TRUE(window.take(at(kNow)));
  EXPECT_FALSE(ahead(window.state, at(kNow), std::chrono::seconds(1)));
  EXPECT_FALSE(window.take(at(kNow) + milliseconds(1499)));
  EXPECT_TRUE(window.take(at(kNow) + milliseconds(1600)));
}

TEST(Allowance, ALimitThatIsLoweredCountsWhatWasTakenUnderTheHigherOne) {
  Window high(5, hours(1));
  ASSERT_EQ(high.take_many(at(kNow), 3), 3);
  ASSERT_EQ(high.take_many(at(kNow) + minutes(30), 2), 2);
  Window low(3, hours(1));
  low.state = high.state;
  const auto room = low.room(at(kNow) + minutes(31));
  ASSERT_TRUE(room);
  EXPECT_LE(*room, at(kNow) + minutes(61));
  EXPECT_EQ(low.take_many(*room, 9), 1) << "two of the higher limit still count";
}

}  // namespace
}  // namespace countersign::store
