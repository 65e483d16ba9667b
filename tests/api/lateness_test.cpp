#include "api/http/lateness.h"

#include <gtest/gtest.h>

namespace countersign::api {
namespace {

using std::chrono::milliseconds;

const Lateness::Time kStart{std::chrono::hours(1)};
Lateness::Time after(int ms) { return kStart + milliseconds(ms); }

TEST(Lateness, IsNoneBeforeTheFirstProbeAndWhileTheNextIsNotDue) {
  Lateness lateness;
  EXPECT_EQ(lateness.at(after(0)), milliseconds(0));
  lateness.due(after(100));
  EXPECT_EQ(lateness.at(after(99)), milliseconds(0));
}

TEST(Lateness, GrowsWhileAProbeIsOverdueAndStaysAsItFoundIt) {
  Lateness lateness;
  lateness.due(after(100));
  EXPECT_EQ(lateness.at(after(160)), milliseconds(60));
  lateness.ran(after(400));
  lateness.due(after(410));
  EXPECT_EQ(lateness.at(after(405)), milliseconds(300)) << "nothing newer is known";
  EXPECT_EQ(lateness.at(after(800)), milliseconds(390)) << "the next one waits even longer";
  lateness.ran(after(412));
  EXPECT_EQ(lateness.at(after(412)), milliseconds(2)) << "and it is over";
}

}  // namespace
}  // namespace countersign::api
