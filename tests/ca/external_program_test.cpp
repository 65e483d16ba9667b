#include "ca/external_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file_system.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;

constexpr milliseconds kLong{20000};

class ExternalProgram : public ::testing::Test {
 protected:
  Result<ProgramResult> run(const std::string& script, const std::string& input = "",
                            milliseconds deadline = kLong) {
    return run_program(folder.write("program", "#!/bin/sh\n" + script + "\n", true), "the-name",
                       input, deadline);
  }
  std::string file(const std::string& name) {
    const auto text = system_files().read(folder.path() / name, 4096);
    return text.has_value() ? *text : std::string();
  }
  // Does the process whose number the file holds run?
  bool alive(const std::string& name) {
    const std::string text = file(name);
    if (text.empty()) return false;
    const auto state =
        system_files().read("/proc/" + std::to_string(std::stoi(text)) + "/stat", 4096);
    return state.has_value() && state->find(") Z ") == std::string::npos;
  }

  Folder folder;
  const std::string at = folder.path().string();
};

TEST_F(ExternalProgram, SaysHowItEnded) {
  EXPECT_EQ(run("exit 0")->exit_code, 0);
  EXPECT_EQ(run("exit 7")->exit_code, 7);
  EXPECT_EQ(run("kill -TERM $$").error().code, Code::unavailable);
  EXPECT_EQ(run("/no/such/command").error().code, Code::unavailable);
  EXPECT_EQ(run_program(folder.path() / "missing", "x", "", kLong).error().code, Code::unavailable);
  EXPECT_EQ(
      run_program(folder.write("bad", "#!/no/such/shell\n", true), "x", "", kLong).error().code,
      Code::unavailable);
}

TEST_F(ExternalProgram, GetsTheNameAsItsOneArgumentAndTheInput) {
  EXPECT_EQ(
      run("[ $# = 1 ] && [ \"$1\" = the-name ] && [ \"$(cat)\" = hello ]", "hello")->exit_code, 0);
}

TEST_F(ExternalProgram, NeedNotReadItsInputHoweverLong) {
  EXPECT_EQ(run("exec 0<&-; exit 3", std::string(1 << 20, 'x'))->exit_code, 3);
  EXPECT_EQ(run("exit 0", std::string(1 << 20, 'x'))->exit_code, 0);
}

TEST_F(ExternalProgram, TheFirstPartOfItsErrorOutputIsKeptToTheLastByte) {
  const auto ran = run("head -c 3000 /dev/zero | tr '\\0' a >&2; printf end >&2");
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->error_output.size(), 3003U);
  EXPECT_TRUE(ran->error_output.ends_with("aend"));
  EXPECT_EQ(run("head -c 1000000 /dev/zero >&2")->error_output.size(), 4096U);
  EXPECT_TRUE(run("echo out")->error_output.empty());
}

TEST_F(ExternalProgram, AtTheDeadlineTheWholeTreeIsKilled) {
  // A child in the background, one in a session of its own, and one that ignores TERM.
  const auto ran = run("sleep 600 & echo $! > " + at + "/a\nsetsid sh -c 'echo $$ > " + at +
                           "/b; exec sleep 600' &\ntrap '' TERM; echo $$ > " + at +
                           "/c; while :; do sleep 1; done",
                       "", milliseconds(4000));
  ASSERT_TRUE(ran.has_error());
  EXPECT_EQ(ran.error().code, Code::unavailable);
  EXPECT_NE(ran.error().detail.find("was killed"), std::string::npos);
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_FALSE(file(name).empty()) << name;
    EXPECT_FALSE(alive(name)) << name;
  }
}

TEST_F(ExternalProgram, WhatItLeavesBehindIsKilledToo) {
  const auto ran = run("setsid sleep 600 & echo $! > " + at + "/a; exit 0");
  ASSERT_TRUE(ran) << ran.error().detail;
  EXPECT_EQ(ran->exit_code, 0);
  ASSERT_FALSE(file("a").empty());
  EXPECT_FALSE(alive("a"));
}

TEST_F(ExternalProgram, HasNoDescriptorOfOurs) {
  // Sockets of clients are not close-on-exec. High numbers, which the program does not use itself.
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
  for (int& socket : sockets) {
    const int high = ::fcntl(socket, F_DUPFD, 200);
    ::close(socket);
    socket = high;
  }
  ASSERT_TRUE(run("ls /proc/self/fd > " + at + "/fds"));
  const std::string listed = file("fds");
  EXPECT_NE(listed.find("2\n"), std::string::npos) << listed;
  EXPECT_EQ(listed.find("20"), std::string::npos) << listed;
  // Nor is one held open while it runs: the other side sees the end at once.
  std::thread program(
      [&] { static_cast<void>(run("echo $$ > " + at + "/up; exec sleep 600").has_error()); });
  ASSERT_TRUE(eventually([&] { return file("up").ends_with("\n"); }));
  ::close(sockets[0]);
  pollfd end{sockets[1], POLLIN, 0};
  EXPECT_EQ(::poll(&end, 1, 5000), 1);
  ::kill(std::stoi(file("up")), SIGKILL);
  program.join();
  ::close(sockets[1]);
}

TEST_F(ExternalProgram, LeavesNoZombieAndNoOpenDescriptor) {
  const auto descriptors = [] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      count += entry.path().empty() ? 0U : 1U;
    }
    return count;
  };
  const std::size_t before = descriptors();
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(run("exit 0"));
    EXPECT_TRUE(run("sleep 600", "", milliseconds(50)).has_error());
  }
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(ExternalProgram, ManyAtOnceDoNotDisturbEachOther) {
  const auto program = folder.write("program", "#!/bin/sh\n[ \"$(cat)\" = \"$1\" ]\n", true);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto ran = run_program(program, std::to_string(i), std::to_string(i), kLong);
      if (ran.has_value() && ran->exit_code == 0) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
}

}  // namespace
}  // namespace countersign::ca
