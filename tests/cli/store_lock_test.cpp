#include "cli/store_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "cli/failure.h"

namespace countersign::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StoreLockTest : public ::testing::Test {
 protected:
  StoreLockTest() {
    std::string name = (std::filesystem::temp_directory_path() / "lock-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "sub");
    file_ = folder_ / "store.db";
    std::ofstream(file_) << "rows";
  }
  ~StoreLockTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // "" if the lock could be had.
  static std::string refusal(const std::filesystem::path& store) {
    try {
      const StoreLock lock(store);
      return "";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), kFailed);
      return failure.what();
    }
  }

  static std::string host() {
    char name[256] = {};
    EXPECT_EQ(::gethostname(name, sizeof name - 1), 0);
    return name;
  }

  std::filesystem::path folder_, file_;
};

TEST_F(StoreLockTest, TheSecondIsToldThePidAndTheHostOfTheFirst) {
  const StoreLock first(file_);
  EXPECT_THAT(refusal(file_),
              AllOf(HasSubstr(file_.string()), HasSubstr("another countersign"),
                    HasSubstr("(pid " + std::to_string(::getpid()) + " on " + host() + ")")));
}

TEST_F(StoreLockTest, AnotherNameOfTheStoreIsTheSameStore) {
  std::filesystem::create_symlink(file_, folder_ / "link.db");
  std::filesystem::create_directory_symlink(folder_, folder_ / "sub" / "up");
  std::filesystem::create_hard_link(file_, folder_ / "sub" / "hard.db");
  const StoreLock first(file_);
  const std::filesystem::path names[] = {
      folder_ / "link.db", folder_ / "sub" / "up" / "store.db", folder_ / "sub" / ".." / "store.db",
      std::filesystem::relative(file_), folder_ / "sub" / "hard.db"};
  for (const auto& name : names) {
    EXPECT_THAT(refusal(name), HasSubstr("(pid " + std::to_string(::getpid()) + " on ")) << name;
  }
  EXPECT_EQ(refusal(folder_ / "other.db"), "");
}

TEST_F(StoreLockTest, ALockThatSomebodyRemovedIsHeldAllTheSame) {
  const StoreLock first(file_);
  std::filesystem::remove(file_.string() + ".lock");
  EXPECT_THAT(refusal(file_), HasSubstr("another countersign"));
}

TEST_F(StoreLockTest, AStoreThatIsNotThereYetIsLockedToo) {
  const StoreLock first(folder_ / "new.db");
  EXPECT_THAT(refusal(folder_ / "new.db"), HasSubstr("another countersign"));
}

TEST_F(StoreLockTest, WhoWasKilledHoldsNothingAndIsNotNamed) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const ::pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const StoreLock lock(file_);
    if (::write(told[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  const std::string killed = "pid " + std::to_string(child) + " ";
  EXPECT_THAT(refusal(file_), HasSubstr(killed));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(told[0]);
  ::close(told[1]);
  const StoreLock second(file_);
  EXPECT_THAT(refusal(file_), Not(HasSubstr(killed)));
}

TEST_F(StoreLockTest, AStrangersTextInTheLockIsNotRepeated) {
  for (const char* text : {"", "\x1b[2J evil\n", "12 ", "x1 host\n"}) {
    const StoreLock first(file_);
    std::ofstream(file_.string() + ".lock") << text;
    EXPECT_THAT(refusal(file_), HasSubstr("serves this store. Stop it")) << text;
  }
}

}  // namespace
}  // namespace countersign::cli
