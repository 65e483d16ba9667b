#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

TEST(Terminal, NothingThatAClientSentCanDriveIt) {
  const struct {
    std::string text, shown;
  } cases[] = {
      {"web-1.example.com", "web-1.example.com"},
      {"caf\xC3\xA9", "caf\xC3\xA9"},
      {"\x1B[2J", "\\x1b[2J"},
      {"a\nb\tc\r", "a\\nb\\tc\\x0d"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x7F", "\\x7f"},
      {"\xC2\x9B"
       "31m",
       "\\u009b31m"},  // C1 control sequence introducer
      {"\xE2\x80\xAE"
       "evil",
       "\\u202eevil"},                      // right-to-left override
      {"\xFF\xC3", "\\xff\\xc3"},           // not UTF-8
      {"\xED\xA0\x80", "\\xed\\xa0\\x80"},  // a surrogate
      {"\xC0\xAF", "\\xc0\\xaf"},           // an overlong form
      {"", ""},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(escaped(text), shown);
}

TEST(Terminal, ATableHasAHeaderAndEvenColumnsOnATerminal) {
  EXPECT_EQ(format_table({"NAME", "AGE"}, {{"a.example.com", "3s"}, {"b", ""}}, true),
            "NAME           AGE\n"
            "a.example.com  3s\n"
            "b\n");
}

TEST(Terminal, ATableIsPlainColumnsInAPipe) {
  EXPECT_EQ(format_table({"NAME", "AGE"}, {{"a\tb", "3s"}, {"b", ""}}, false), "a\\tb\t3s\nb\t\n");
}

TEST(Terminal, CharactersAndNotBytesAreCountedForTheWidth) {
  EXPECT_EQ(format_table({"N", "X"}, {{"\xC3\xA9\xC3\xA9", "1"}, {"abc", "2"}}, true),
            "N    X\n"
            "\xC3\xA9\xC3\xA9   1\n"
            "abc  2\n");
}

TEST(Terminal, AnAgeHasOneUnit) {
  const struct {
    int seconds;
    const char* text;
  } cases[] = {{-5, "0s"},   {0, "0s"},      {59, "59s"},     {60, "1m"},     {3599, "59m"},
               {3600, "1h"}, {86400, "24h"}, {172799, "47h"}, {172800, "2d"}, {864000, "10d"}};
  for (const auto& [seconds, text] : cases) {
    EXPECT_EQ(short_age(std::chrono::seconds(seconds)), text);
  }
}

}  // namespace
}  // namespace countersign::cli
