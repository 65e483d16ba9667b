#include "base/file_system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace countersign {
namespace {

class FileSystemTest : public ::testing::Test {
 protected:
  FileSystemTest() {
    std::string name = (std::filesystem::temp_directory_path() / "countersign-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~FileSystemTest() override { std::filesystem::remove_all(folder); }

  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                  std::filesystem::directory_iterator()));
  }
  mode_t mode(const std::filesystem::path& path) const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777U;
  }

  const FileSystem& files = system_files();
  std::filesystem::path folder;
};

TEST_F(FileSystemTest, WhatIsWrittenIsRead) {
  for (const std::string& content :
       {std::string(), std::string("text"), std::string("a\0b\n", 4), std::string(200000, 'x')}) {
    ASSERT_TRUE(files.write(folder / "f", content, 0600).has_value());
    EXPECT_EQ(files.read(folder / "f", 200000).value(), content);
  }
  EXPECT_EQ(entries(), 1U) << "nothing is left beside the file";
}

TEST_F(FileSystemTest, TheModeIsAsAskedWhateverTheUmaskAndTheOldFile) {
  const mode_t before = ::umask(077);
  ASSERT_TRUE(files.write(folder / "f", "a", 0644).has_value());
  EXPECT_EQ(mode(folder / "f"), 0644U);
  ::umask(0);
  ASSERT_TRUE(files.write(folder / "f", "b", 0600).has_value());
  EXPECT_EQ(mode(folder / "f"), 0600U);
  ::umask(before);
}

TEST_F(FileSystemTest, ALimitIsTheMostThatIsRead) {
  ASSERT_TRUE(files.write(folder / "f", std::string(100, 'x'), 0600).has_value());
  EXPECT_TRUE(files.read(folder / "f", 100).has_value());
  const auto over = files.read(folder / "f", 99);
  ASSERT_TRUE(over.has_error());
  EXPECT_EQ(over.error().code, Code::too_large);
  EXPECT_EQ(over.error().detail, (folder / "f").string() + " is larger than 99 bytes");
  EXPECT_EQ(files.read("/dev/zero", 1000).error().code, Code::too_large);
}

TEST_F(FileSystemTest, WhatCannotBeReadIsNamedWithWhatTheSystemSaid) {
  const auto missing = files.read(folder / "none", 10);
  ASSERT_TRUE(missing.has_error());
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_EQ(missing.error().detail,
            "cannot open " + (folder / "none").string() + ": No such file or directory");
  const auto directory = files.read(folder, 10);
  ASSERT_TRUE(directory.has_error());
  EXPECT_EQ(directory.error().code, Code::unavailable);
  EXPECT_EQ(directory.error().detail, "cannot read " + folder.string() + ": Is a directory");
}

TEST_F(FileSystemTest, AWriteThatFailsLeavesTheOldContentAndNothingElse) {
  EXPECT_EQ(files.write(folder / "none" / "f", "a", 0600).error().code, Code::not_found);
  std::filesystem::create_directory(folder / "d");
  std::ofstream(folder / "d" / "inside") << "x";
  const auto onto_folder = files.write(folder / "d", "a", 0600);
  ASSERT_TRUE(onto_folder.has_error());
  EXPECT_EQ(onto_folder.error().code, Code::unavailable);
  EXPECT_TRUE(std::filesystem::exists(folder / "d" / "inside"));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(FileSystemTest, ALinkIsReplacedAndNotWrittenThrough) {
  ASSERT_TRUE(files.write(folder / "target", "old", 0600).has_value());
  std::filesystem::create_symlink(folder / "target", folder / "link");
  ASSERT_TRUE(files.write(folder / "link", "new", 0600).has_value());
  EXPECT_EQ(files.read(folder / "target", 10).value(), "old");
  EXPECT_EQ(files.read(folder / "link", 10).value(), "new");
}

TEST_F(FileSystemTest, WritersOfOnePathDoNotMix) {
  const auto write_many = [&](char c) {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(files.write(folder / "f", std::string(20000, c), 0600).has_value());
    }
  };
  ASSERT_TRUE(files.write(folder / "f", std::string(20000, 'a'), 0600).has_value());
  std::thread a(write_many, 'a');
  std::thread b(write_many, 'b');
  for (int i = 0; i < 50; ++i) {
    const std::string seen = files.read(folder / "f", 100000).value();
    EXPECT_EQ(seen, std::string(20000, seen.at(0)));
  }
  a.join();
  b.join();
  EXPECT_EQ(entries(), 1U);
}

}  // namespace
}  // namespace countersign
