#include "base/work_line.h"

#include <gtest/gtest.h>

#include <string>

namespace countersign {
namespace {

using std::chrono::milliseconds;

class WorkLineTest : public ::testing::Test {
 protected:
  void begins(int count) {
    for (int i = 0; i < count; ++i) line_.push(Lane::begins, 'b', now_);
  }
  void goes_on(int count) {
    for (int i = 0; i < count; ++i) line_.push(Lane::goes_on, 'g', now_);
  }
  // So many turns, one each `apart`.
  std::string turns(int count, milliseconds apart = milliseconds(1)) {
    std::string order;
    for (int i = 0; i < count; ++i) {
      now_ += apart;
      order += line_.pop(now_).piece;
    }
    return order;
  }
  milliseconds expected() const {
    return std::chrono::duration_cast<milliseconds>(line_.expected_wait(now_));
  }

  WorkLine<char> line_;
  WorkLine<char>::Time now_;
};

TEST_F(WorkLineTest, WhatWasBegunGoesOnBeforeAnotherBegins) {
  begins(2);
  goes_on(2);
  EXPECT_EQ(turns(3), "ggb");
  goes_on(1);
  EXPECT_EQ(turns(2), "gb");
  EXPECT_TRUE(line_.empty());
}

TEST_F(WorkLineTest, WhatGoesOnWithoutEndKeepsNobodyFromBeginning) {
  begins(2);
  goes_on(40);
  const std::string sixteen(WorkLine<char>::kInARow, 'g');
  EXPECT_EQ(turns(42), sixteen + "b" + sixteen + "b" + "gggggggg");
}

TEST_F(WorkLineTest, ATurnTellsHowLongItWasWaitedFor) {
  begins(1);
  now_ += milliseconds(30);
  goes_on(1);
  now_ += milliseconds(5);
  EXPECT_EQ(line_.pop(now_).waited, milliseconds(5));
  EXPECT_EQ(line_.pop(now_).waited, milliseconds(35));
}

TEST_F(WorkLineTest, WhoFindsNobodyExpectsNoWait) {
  EXPECT_EQ(expected(), milliseconds(0));
  goes_on(100);
  EXPECT_EQ(expected(), milliseconds(0));
  begins(1000);
  turns(1100, milliseconds(10));
  EXPECT_EQ(expected(), milliseconds(0));
}

TEST_F(WorkLineTest, TheWaitIsTheLengthTimesThePaceOfTheLastTurns) {
  for (int round = 0; round < 1000; ++round) {
    begins(1);
    if (round >= 100) turns(1, milliseconds(1));
  }
  // A hundred wait, at one a millisecond.
  EXPECT_GT(expected(), milliseconds(90));
  EXPECT_LE(expected(), milliseconds(100));
}

TEST_F(WorkLineTest, APauseInWhichNobodyWaitedIsNoPace) {
  begins(1);
  turns(1);
  now_ += std::chrono::hours(1);
  begins(3);
  turns(1, milliseconds(0));
  EXPECT_EQ(expected(), milliseconds(0));
}

TEST_F(WorkLineTest, AStallIsNoticedBeforeItEnds) {
  begins(100);
  turns(50, milliseconds(1));
  now_ += milliseconds(700);
  EXPECT_EQ(expected(), milliseconds(750));
}

TEST_F(WorkLineTest, OneStallThatIsOverHardlyCounts) {
  begins(1001);
  turns(1000, milliseconds(0));
  now_ += milliseconds(640);
  begins(1);
  turns(1, milliseconds(0));
  EXPECT_LE(expected(), milliseconds(10));
}

}  // namespace
}  // namespace countersign
