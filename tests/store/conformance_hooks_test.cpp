// The promises of store.h about what hooks are to be told.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HookConformance : public Conformance {
 protected:
  void put(const std::string& subject, const std::string& id, const std::string& hook = "chat",
           std::int64_t most = 100) {
    ASSERT_EQ(apply({InsertHookEvent{hook_event(hook, subject, id), most}}), kDone);
  }
  std::vector<HookEventRecord> due(std::int64_t now = 9000, std::size_t limit = 100,
                                   const std::string& hook = "chat") {
    return store_->due_hook_events(hook, at(now), limit).value();
  }
  std::vector<std::string> ids(std::int64_t now = 9000, std::size_t limit = 100,
                               const std::string& hook = "chat") {
    std::vector<std::string> list;
    for (const auto& event : due(now, limit, hook)) list.push_back(event.id);
    return list;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, HookConformance, kEngines, engine_name);

TEST_P(HookConformance, OfEachSubjectTheFirstIsDueUntilItIsGone) {
  put("web", "1");
  put("db", "2");
  put("web", "3");
  put("web", "4", "log");
  EXPECT_THAT(ids(), ElementsAre("1", "2"));
  EXPECT_THAT(ids(9000, 1), ElementsAre("1"));
  EXPECT_THAT(ids(9000, 100, "log"), ElementsAre("4"));
  EXPECT_THAT(ids(9000, 100, "none"), IsEmpty());
  EXPECT_THAT(ids(999), IsEmpty()) << "before its time nothing is due";
  const auto first = due().front();
  EXPECT_EQ(first.body, R"({"version":1})");
  ASSERT_EQ(apply({PostponeHookEvent{first.sequence, at(5000), "busy"}}), kDone);
  EXPECT_THAT(ids(4000), ElementsAre("2")) << "the next of the same subject waits for the first";
  const auto later = due(5000).front();
  EXPECT_EQ(later.id, "1");
  EXPECT_EQ(later.attempts, 1);
  EXPECT_EQ(later.last_error, "busy");
  ASSERT_EQ(apply({RemoveHookEvent{first.sequence, true}}), kDone);
  EXPECT_THAT(ids(), ElementsAre("2", "3"));
}

TEST_P(HookConformance, WhatIsToBeTriedLaterThanAnybodyWaitsIsDueForTheClockWasPutBack) {
  put("web", "1");  // at 1000
  const auto far = at(1000) - kLongestHookPause;
  EXPECT_THAT(store_->due_hook_events("chat", far, 100).value(), IsEmpty());
  EXPECT_EQ(store_->due_hook_events("chat", far - std::chrono::milliseconds(1), 100)->size(), 1U);
}

TEST_P(HookConformance, TalliesSayWhatBecameOfAll) {
  EXPECT_THAT(store_->hook_tallies().value(), IsEmpty());
  put("web", "1");
  put("db", "2");
  put("mail", "3");
  put("web", "4", "log");
  const auto events = due();
  ASSERT_EQ(apply({RemoveHookEvent{events[0].sequence, true}}), kDone);
  ASSERT_EQ(apply({RemoveHookEvent{events[1].sequence, false}}), kDone);
  ASSERT_EQ(apply({PostponeHookEvent{events[2].sequence, at(5000), "busy"}}), kDone);
  const auto tallies = store_->hook_tallies().value();
  ASSERT_EQ(tallies.size(), 2U);
  const HookTally chat{.hook = "chat",
                       .waiting = 1,
                       .delivered = 1,
                       .given_up = 1,
                       .dropped = 0,
                       .oldest = at(1000),
                       .last_error = "busy"};
  EXPECT_EQ(tallies[0], chat);
  EXPECT_EQ(tallies[1].hook, "log");
  EXPECT_EQ(tallies[1].waiting, 1);
}

TEST_P(HookConformance, WhereTooManyWaitTheOldestGoes) {
  put("a", "1", "chat", 2);
  put("b", "2", "chat", 2);
  put("c", "3", "chat", 2);
  put("a", "4", "log", 2);
  EXPECT_THAT(ids(), ElementsAre("2", "3"));
  const auto tally = store_->hook_tallies().value().front();
  EXPECT_EQ(tally.waiting, 2);
  EXPECT_EQ(tally.dropped, 1);
}

TEST_P(HookConformance, ANumberIsNotGivenTwice) {
  put("a", "1");
  const auto first = due().front().sequence;
  ASSERT_EQ(apply({RemoveHookEvent{first, true}}), kDone);
  put("a", "2");
  EXPECT_GT(due().front().sequence, first);
  EXPECT_EQ(apply({RemoveHookEvent{first, true}}), Code::not_found);
}

TEST_P(HookConformance, ABatchThatFailsTellsNobody) {
  EXPECT_EQ(apply({InsertHookEvent{hook_event("chat", "web"), 2}, ReleaseName{"nobody"}}),
            Code::not_found);
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_THAT(store_->hook_tallies().value(), IsEmpty());
}

}  // namespace
}  // namespace countersign::store
