#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace countersign {
namespace {

namespace asio = boost::asio;

TEST(WorkerPool, WorkRunsElsewhereAndTheCallerGoesOnWhereItWas) {
  WorkerPool pool(2, 10);
  asio::io_context io;
  std::thread::id worker;
  std::thread::id after;
  int answer = 0;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const auto result = co_await pool.run([&]() -> Result<int> {
          worker = std::this_thread::get_id();
          return 42;
        });
        answer = result.value();
        after = std::this_thread::get_id();
      },
      asio::detached);
  io.run();
  EXPECT_EQ(answer, 42);
  EXPECT_EQ(after, std::this_thread::get_id());
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(WorkerPool, WorkOverTheLimitIsRefusedAtOnceAndTakenAgainLater) {
  WorkerPool pool(1, 2);
  asio::io_context io;
  std::latch release(1);
  int done = 0;
  int refused = 0;
  const auto ask = [&]() -> asio::awaitable<void> {
    const auto result = co_await pool.run([&]() -> Result<int> {
      release.wait();
      return 1;
    });
    if (result.has_value()) {
      ++done;
      co_return;
    }
    EXPECT_EQ(result.error().code, Code::overloaded);
    // Two wait or run, so two of five are taken; the third refusal lets them go on.
    if (++refused == 3) release.count_down();
  };
  for (int i = 0; i < 5; ++i) asio::co_spawn(io, ask, asio::detached);
  io.run();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(pool.in_use(), 0U);

  io.restart();
  asio::co_spawn(io, ask, asio::detached);
  io.run();
  EXPECT_EQ(done, 3);
}

TEST(WorkerPool, WorkThatWaitedTooLongIsRefusedAndNotDone) {
  WorkerPool pool(1, 10, std::chrono::milliseconds(20));
  asio::io_context io;
  int done = 0;
  std::vector<Code> refused;
  const auto ask = [&](std::chrono::milliseconds takes) -> asio::awaitable<void> {
    const auto result = co_await pool.run([&]() -> Result<int> {
      std::this_thread::sleep_for(takes);
      return ++done;
    });
    if (result.has_error()) refused.push_back(result.error().code);
  };
  // The first begins at once, for the one thread is idle; what comes then waits for all of it.
  asio::co_spawn(io, ask(std::chrono::milliseconds(200)), asio::detached);
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(io, ask(std::chrono::milliseconds(0)), asio::detached);
  }
  io.run();
  EXPECT_EQ(done + static_cast<int>(refused.size()), 4);
  EXPECT_GE(refused.size(), 3U);
  for (const Code code : refused) EXPECT_EQ(code, Code::overloaded);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(WorkerPool, WhoWouldWaitTooLongIsRefusedBeforeItBeginsAndWhatWasBegunGoesOn) {
  WorkerPool pool(1, 10, std::chrono::milliseconds(20));
  asio::io_context io;
  std::latch release(1);
  std::vector<std::string> refused;
  const auto ask = [&](std::string name, Lane lane) -> asio::awaitable<void> {
    const auto result = co_await pool.run(
        [&]() -> Result<int> {
          release.wait();
          return 1;
        },
        lane);
    if (result.has_error()) refused.push_back(name);
  };
  asio::co_spawn(io, ask("holds the thread", Lane::goes_on), asio::detached);
  io.poll();
  asio::co_spawn(io, ask("finds nobody", Lane::begins), asio::detached);
  io.poll();
  std::this_thread::sleep_for(std::chrono::milliseconds(11));
  asio::co_spawn(io, ask("goes on", Lane::goes_on), asio::detached);
  asio::co_spawn(io, ask("finds one who waits", Lane::begins), asio::detached);
  io.poll();
  // At once: nothing has had its turn since.
  EXPECT_EQ(refused, std::vector<std::string>{"finds one who waits"});
  release.count_down();
  io.run();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(WorkerPool, ItsEndIsThatOfAllThatWaits) {
  asio::io_context io;
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2, 100);
    const auto ask = [&]() -> asio::awaitable<void> {
      (void)co_await pool.run([&]() -> Result<int> { return ++done; });
    };
    for (int i = 0; i < 50; ++i) asio::co_spawn(io, ask, asio::detached);
    io.poll();
  }
  EXPECT_EQ(done.load(), 50);
}

TEST(WorkerPool, AnErrorIsAnAnswerAndAnExceptionComesOut) {
  WorkerPool pool(1, 2);
  asio::io_context io;
  int seen = 0;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const auto failed =
            co_await pool.run([]() -> Result<int> { return fail(Code::not_found, "none"); });
        EXPECT_EQ(failed.error().code, Code::not_found);
        ++seen;
        try {
          (void)co_await pool.run([]() -> Result<int> { throw std::runtime_error("broken"); });
        } catch (const std::runtime_error& error) {
          EXPECT_STREQ(error.what(), "broken");
          ++seen;
        }
      },
      asio::detached);
  io.run();
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Result, EveryCodeHasASlugOfItsOwnAndAnUncheckedErrorThrows) {
  std::set<std::string_view> slugs;
  for (int code = 0; code <= static_cast<int>(Code::internal); ++code) {
    slugs.insert(to_string(static_cast<Code>(code)));
  }
  EXPECT_EQ(slugs.size(), static_cast<std::size_t>(Code::internal) + 1);
  const Result<int> failed = fail(Code::bad_csr, "no good");
  EXPECT_THROW((void)failed.value(), std::logic_error);
}

}  // namespace
}  // namespace countersign
