#include "cli/queue_filter.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "cli/failure.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

class QueueFilterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string form = (fs::temp_directory_path() / "countersign-views-XXXXXX").string();
    folder_ = ::mkdtemp(form.data());
    file_ = folder_ / "views.toml";
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_, file_;
};

TEST_F(QueueFilterTest, AViewIsReadAsItWasWritten) {
  QueueFilter odd;
  odd.match = R"(^web-[0-9]+\.example"\.com$)";
  odd.rule = "a\trule \"x\"\\ and ü";
  odd.older_than = "2h";
  odd.sort = "certname";
  QueueFilter other;
  other.source = "10.0.0.0/8";
  other.newer_than = "30m";
  other.key = "ec:P-256";
  other.profile = "agent";
  const Views views = {{"a.b \"c\"", odd}, {"plain", other}};
  save_views(file_, views);
  EXPECT_EQ(load_views(file_), views);
  save_views(file_, {});
  EXPECT_TRUE(load_views(file_).empty());
  EXPECT_TRUE(load_views(folder_ / "none.toml").empty());
}

TEST_F(QueueFilterTest, WhatIsGivenNowGoesBeforeTheView) {
  QueueFilter kept;
  kept.rule = "web";
  kept.sort = "certname";
  save_views(file_, {{"v", kept}});
  QueueFilter given;
  given.sort = "-created";
  given.match = "^web";
  const QueueFilter both = with_view(file_, "v", given);
  EXPECT_EQ(describe(both), "--match=^web --rule=web --sort=-created");
  EXPECT_EQ(with_view(file_, "", given), given);
  EXPECT_THROW(with_view(file_, "none", given), Failure);
}

TEST_F(QueueFilterTest, AFileThatIsWrongSaysWhereAndIsNotTakenForEmpty) {
  std::ofstream(file_) << "[v]\nrulee = \"x\"\n";
  try {
    static_cast<void>(load_views(file_));
    ADD_FAILURE() << "it was read";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), kUsage);
    EXPECT_NE(std::string(failure.what()).find("views.toml:2"), std::string::npos);
    EXPECT_NE(std::string(failure.what()).find("rule"), std::string::npos);
  }
}

TEST_F(QueueFilterTest, AFilterBecomesAQueryAndAgesBecomeTimes) {
  const Timestamp now = *parse_rfc3339("2026-06-01T12:00:00Z");
  QueueFilter filter;
  EXPECT_EQ(query_of(filter, now), "");
  EXPECT_FALSE(filter.chooses());
  filter.sort = "certname";
  EXPECT_FALSE(filter.chooses()) << "an order leaves nothing out";
  filter.older_than = "1d2h";
  filter.rule = "web & co";
  EXPECT_TRUE(filter.chooses());
  EXPECT_EQ(query_of(filter, now),
            "&rule=web%20%26%20co&created_before=2026-05-31T10%3A00%3A00Z&sort=certname");
  filter.newer_than = "soon";
  EXPECT_THROW(query_of(filter, now), Failure);
}

}  // namespace
}  // namespace countersign::cli
