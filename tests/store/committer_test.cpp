#include "store/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "store/memory/memory_store.h"
#include "tests/store/gated_store.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

namespace net = boost::asio;
using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;

const WriteBatch kGood = {ReleaseName{"good"}};
const WriteBatch kBad = {ReleaseName{"bad"}};

class CommitterTest : public ::testing::Test {
 protected:
  // Starts a commit as a coroutine; its place among the outcomes is that of the call.
  void begin(Committer& committer, WriteBatch batch) {
    spawn(committer, std::move(batch), Committer::Round::of_loop);
    io_.restart();
    io_.poll();
  }

  // The same, but it begins when the loop is run.
  void spawn(Committer& committer, WriteBatch batch, Committer::Round round) {
    const std::size_t place = outcomes_.size();
    outcomes_.push_back(Code::internal);  // until it resumes
    net::co_spawn(
        io_,
        [this, &committer, place, round, batch = std::move(batch)]() -> net::awaitable<void> {
          const auto result = co_await committer.commit(batch, round);
          outcomes_[place] = result ? kDone : std::optional(result.error().code);
        },
        net::detached);
  }

  // Until every commit has resumed.
  void finish() {
    io_.restart();
    io_.run_for(60s);
  }

  // Blocks the writer in a commit of one batch.
  void occupy(Committer& committer) {
    store_.close_gate();
    begin(committer, kGood);
    store_.await_groups(1);
  }

  GatedStore store_;
  net::io_context io_;
  std::vector<std::optional<Code>> outcomes_;
};

TEST_F(CommitterTest, WhatWaitsDuringACommitIsCommittedTogetherNext) {
  Committer committer(store_, 100);
  occupy(committer);
  for (int i = 0; i < 5; ++i) begin(committer, kGood);
  store_.open_gate();
  finish();
  EXPECT_THAT(store_.groups(), ElementsAre(1, 5));
  EXPECT_THAT(outcomes_, Each(kDone));
}

TEST_F(CommitterTest, WhatALoopHasReadyIsCommittedTogether) {
  Committer committer(store_, 100, 1h);
  for (int i = 0; i < 5; ++i) spawn(committer, kGood, Committer::Round::of_loop);
  finish();
  EXPECT_THAT(store_.groups(), ElementsAre(5));
  EXPECT_THAT(outcomes_, Each(kDone));
}

TEST_F(CommitterTest, ALongestRoundEndsByTheClock) {
  Committer committer(store_, 100, 20ms);
  spawn(committer, kGood, Committer::Round::longest);
  finish();
  EXPECT_THAT(outcomes_, ElementsAre(kDone));
}

TEST_F(CommitterTest, ALongestRoundTakesInWhatComesMeanwhile) {
  Committer committer(store_, 100, 1h);
  spawn(committer, kGood, Committer::Round::longest);
  io_.poll();
  begin(committer, kGood);
  EXPECT_THAT(store_.groups(), ElementsAre());
  EXPECT_THAT(outcomes_, Each(Code::internal)) << "neither has resumed";
}

TEST_F(CommitterTest, AGroupHoldsAtMost256Batches) {
  Committer committer(store_, 1000);
  occupy(committer);
  for (int i = 0; i < 600; ++i) begin(committer, kGood);
  store_.open_gate();
  finish();
  EXPECT_THAT(store_.groups(), ElementsAre(1, 256, 256, 88));
  EXPECT_THAT(outcomes_, Each(kDone));
}

TEST_F(CommitterTest, EachBatchGetsItsOwnResult) {
  Committer committer(store_, 100);
  occupy(committer);
  begin(committer, kBad);
  begin(committer, kGood);
  begin(committer, kBad);
  store_.open_gate();
  finish();
  EXPECT_THAT(outcomes_, ElementsAre(kDone, Code::conflict, kDone, Code::conflict));
  EXPECT_EQ(committer.commit_blocking(kBad).error().code, Code::conflict);
  EXPECT_TRUE(committer.healthy()) << "a refused batch says nothing against the store";
}

TEST_F(CommitterTest, OverItsBoundItRefusesAtOnceAndTakesNothing) {
  Committer committer(store_, 2);
  occupy(committer);
  begin(committer, kGood);
  begin(committer, kGood);
  begin(committer, kGood);
  EXPECT_EQ(outcomes_.back(), Code::overloaded) << "while the writer still stands at the gate";
  EXPECT_EQ(committer.commit_blocking(kGood).error().code, Code::overloaded);
  store_.open_gate();
  finish();
  EXPECT_THAT(outcomes_, ElementsAre(kDone, kDone, kDone, Code::overloaded));
  EXPECT_THAT(store_.groups(), ElementsAre(1, 2));
  EXPECT_TRUE(committer.commit_blocking(kGood)) << "there is room again";
}

TEST_F(CommitterTest, TheCoroutineResumesOnTheExecutorItWaitedOn) {
  Committer committer(store_, 1);
  Committer full(store_, 0);
  const auto strand = net::make_strand(io_);
  std::vector<std::optional<Code>> resumed;
  net::co_spawn(
      strand,
      [&]() -> net::awaitable<void> {
        for (const auto& [writer, batch] :
             {std::pair(&committer, kGood), std::pair(&committer, kBad), std::pair(&full, kGood)}) {
          const auto result = co_await writer->commit(batch);
          if (!strand.running_in_this_thread()) co_return;
          resumed.push_back(result ? kDone : std::optional(result.error().code));
        }
      },
      net::detached);
  finish();
  EXPECT_THAT(resumed, ElementsAre(kDone, Code::conflict, Code::overloaded));
}

TEST_F(CommitterTest, AfterAnUnknownOutcomeItRefusesUntilTheStoreIsReopened) {
  Committer committer(store_, 100);
  store_.break_disk();
  EXPECT_EQ(committer.problem(), "");
  EXPECT_EQ(committer.commit_blocking(kGood).error().code, Code::unavailable);
  EXPECT_FALSE(committer.healthy());
  EXPECT_NE(committer.problem(), "") << "why";
  const std::size_t applied = store_.groups().size();
  EXPECT_EQ(committer.commit_blocking(kGood).error().code, Code::unavailable);
  EXPECT_EQ(store_.groups().size(), applied) << "nothing is written to a store of unknown state";
  store_.await_reopens(2);
  EXPECT_FALSE(committer.healthy());
}

TEST_F(CommitterTest, ItRecoversWithoutAnybodyWriting) {
  Committer committer(store_, 100);
  store_.break_disk();
  EXPECT_FALSE(committer.commit_blocking(kGood));
  store_.await_reopens(1);
  store_.mend_disk();
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!committer.healthy() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(committer.healthy());
  EXPECT_EQ(committer.problem(), "");
  EXPECT_TRUE(committer.commit_blocking(kGood));
}

TEST_F(CommitterTest, TheDestructorCommitsWhatWaits) {
  std::optional<Committer> committer(std::in_place, store_, 100);
  occupy(*committer);
  for (int i = 0; i < 3; ++i) begin(*committer, kGood);
  std::thread end([&] { committer.reset(); });
  store_.open_gate();
  end.join();
  EXPECT_THAT(store_.groups(), ElementsAre(1, 3)) << "before the destructor is done";
  finish();
  EXPECT_THAT(outcomes_, Each(kDone));
}

TEST_F(CommitterTest, TheDestructorDoesNotWaitForAStoreThatIsBroken) {
  std::optional<Committer> committer(std::in_place, store_, 100);
  occupy(*committer);
  begin(*committer, kGood);
  store_.break_disk();
  store_.open_gate();
  committer.reset();
  finish();
  EXPECT_THAT(outcomes_, ElementsAre(Code::unavailable, Code::unavailable));
}

TEST_F(CommitterTest, WritersFromManyThreadsAllLand) {
  const auto store = make_memory_store();
  {
    Committer committer(*store, 1000);
    std::vector<std::thread> writers;
    for (int thread = 0; thread < 4; ++thread) {
      writers.emplace_back([&committer, thread] {
        for (int i = 0; i < 50; ++i) {
          const auto name = std::to_string(thread) + "-" + std::to_string(i);
          EXPECT_TRUE(committer.commit_blocking({AppendAudit{audit_row("issue", name)}}));
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  const auto rows = store->audit("", 1000).value();
  ASSERT_EQ(rows.size(), 200U);
  EXPECT_EQ(rows.front().sequence, 200);
}

}  // namespace
}  // namespace countersign::store
