#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::log {
namespace {

constexpr const char* kTime = "2026-11-24T15:04:05Z";

struct Row {
  std::string value;
  const char* logfmt;
  const char* json;
};

TEST(Log, AValueIsEscapedSoThatALineIsOneLine) {
  for (const Row& row : std::vector<Row>{
           {"plain", "plain", R"("plain")"},
           {"web-1.example.com:8140", "web-1.example.com:8140", R"("web-1.example.com:8140")"},
           {"", R"("")", R"("")"},
           {"two words", R"("two words")", R"("two words")"},
           {"a=b", R"("a=b")", R"("a=b")"},
           {R"(say "hi")", R"("say \"hi\"")", R"("say \"hi\"")"},
           {R"(back\slash)", R"("back\\slash")", R"("back\\slash")"},
           {"line\nbreak", R"("line\u000abreak")", R"("line\u000abreak")"},
           {"\r\n", R"("\u000d\u000a")", R"("\u000d\u000a")"},
           {"\x1b[31m", R"("\u001b[31m")", R"("\u001b[31m")"},
           {"\x7f", R"("\u007f")", R"("\u007f")"},
           {std::string("a\0b", 3), R"("a\u0000b")", R"("a\u0000b")"},
           {"\xff\xfe", R"("\u00ff\u00fe")", R"("\u00ff\u00fe")"},
           {"\xc3\xa9", R"("\u00c3\u00a9")", R"("\u00c3\u00a9")"},
           {"\xe2\x80\xa8", R"("\u00e2\u0080\u00a8")", R"("\u00e2\u0080\u00a8")"},
           {"x level=error", R"("x level=error")", R"("x level=error")"}}) {
    EXPECT_EQ(format_line(Format::logfmt, kTime, Level::info, "request", {{"v", row.value}}),
              std::string("time=2026-11-24T15:04:05Z level=info event=request v=") + row.logfmt);
    EXPECT_EQ(
        format_line(Format::json, kTime, Level::info, "request", {{"v", row.value}}),
        std::string(R"({"time":"2026-11-24T15:04:05Z","level":"info","event":"request","v":)") +
            row.json + "}");
  }
}

TEST(Log, EveryByteGivesPrintableASCII) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  for (const Format format : {Format::logfmt, Format::json}) {
    for (const char c : format_line(format, kTime, Level::error, all, {{"v", all}})) {
      EXPECT_TRUE(c >= 0x20 && c <= 0x7E) << static_cast<int>(c);
    }
  }
}

TEST(Log, NumbersAreNumbersInJSON) {
  EXPECT_EQ(format_line(Format::json, kTime, Level::warn, "e", {{"ms", 12}, {"status", 200U}}),
            R"({"time":"2026-11-24T15:04:05Z","level":"warn","event":"e","ms":12,"status":200})");
  EXPECT_EQ(format_line(Format::logfmt, kTime, Level::debug, "e", {{"ms", -1}}),
            "time=2026-11-24T15:04:05Z level=debug event=e ms=-1");
}

TEST(Log, IsWrittenToStandardErrorFromTheLevelOnThatWasSet) {
  configure(Format::logfmt, Level::info);
  ::testing::internal::CaptureStderr();
  debug("hidden");
  info("shown", {{"name", "a b"}});
  error("failed {}");
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("hidden"), std::string::npos);
  EXPECT_NE(written.find(" level=info event=shown name=\"a b\"\n"), std::string::npos) << written;
  EXPECT_NE(written.find(" level=error event=\"failed {}\"\n"), std::string::npos) << written;
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 2);
}

}  // namespace
}  // namespace countersign::log
