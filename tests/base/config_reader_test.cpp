#include "base/config_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign {
namespace {

using Texts = std::vector<std::string>;

ConfigDocument document(const std::string& text) {
  auto parsed = ConfigDocument::parse(text, "f.toml");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().detail;
  return std::move(parsed.value());
}

TEST(ConfigReader, ReadsValuesOfTheirTypes) {
  auto file = document(R"(
text = "x"
yes = true
number = 7
wait = "1d12h"
one = "a"
many = ["a", "b"]
[inner]
z = 1
a = 2
[[rows]]
n = 1
[[rows]]
n = 2
)");
  ConfigTable root = file.root();
  EXPECT_EQ(root.text("text"), "x");
  EXPECT_EQ(root.boolean("yes"), true);
  EXPECT_TRUE(root.is_boolean("yes"));
  EXPECT_FALSE(root.is_boolean("number"));
  EXPECT_FALSE(root.is_boolean("absent"));
  EXPECT_EQ(root.integer("number", 0, 7), 7);
  EXPECT_EQ(root.duration("wait"), std::chrono::hours(36));
  EXPECT_EQ(root.texts("one"), Texts{"a"});
  EXPECT_EQ(root.texts("many"), (Texts{"a", "b"}));
  EXPECT_EQ(root.table("inner")->keys(), (Texts{"z", "a"})) << "in the order of the file";
  const auto rows = root.tables("rows");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].where("n"), "f.toml:14:5");
  EXPECT_EQ(root.where("number"), "f.toml:4:10");
  root.done();
  EXPECT_TRUE(file.finish().has_value());
  EXPECT_TRUE(file.complaints().empty());
}

TEST(ConfigReader, WhatIsAbsentIsNothingAndNoError) {
  auto file = document("");
  ConfigTable root = file.root();
  EXPECT_EQ(root.text("a"), std::nullopt);
  EXPECT_EQ(root.boolean("a"), std::nullopt);
  EXPECT_EQ(root.integer("a", 0, 1), std::nullopt);
  EXPECT_EQ(root.duration("a"), std::nullopt);
  EXPECT_EQ(root.texts("a"), std::nullopt);
  EXPECT_FALSE(root.table("a").has_value());
  EXPECT_TRUE(root.tables("a").empty());
  EXPECT_FALSE(root.has("a"));
  root.done();
  EXPECT_TRUE(file.finish().has_value());
}

TEST(ConfigReader, ValuesOfAnotherTypeAreComplainedOfAndAbsent) {
  struct Row {
    const char* value;
    void (*read)(ConfigTable&);
    const char* complaint;
  };
  const auto text = [](ConfigTable& t) { EXPECT_EQ(t.text("k"), std::nullopt); };
  const auto boolean = [](ConfigTable& t) { EXPECT_EQ(t.boolean("k"), std::nullopt); };
  const auto integer = [](ConfigTable& t) { EXPECT_EQ(t.integer("k", 1, 9), std::nullopt); };
  const auto duration = [](ConfigTable& t) { EXPECT_EQ(t.duration("k"), std::nullopt); };
  const auto texts = [](ConfigTable& t) { EXPECT_EQ(t.texts("k"), std::nullopt); };
  const auto table = [](ConfigTable& t) { EXPECT_FALSE(t.table("k").has_value()); };
  const auto tables = [](ConfigTable& t) { EXPECT_TRUE(t.tables("k").empty()); };
  for (const Row& row : std::vector<Row>{
           {"1", text, "'k' must be a text in quotes."},
           {"true", text, "'k' must be a text in quotes."},
           {"[\"a\"]", text, "'k' must be a text in quotes."},
           {"\"true\"", boolean, "'k' must be true or false."},
           {"1", boolean, "'k' must be true or false."},
           {"\"1\"", integer, "'k' must be a whole number from 1 to 9."},
           {"1.0", integer, "'k' must be a whole number from 1 to 9."},
           {"0", integer, "'k' must be a whole number from 1 to 9."},
           {"10", integer, "'k' must be a whole number from 1 to 9."},
           {"90", duration, "'k' must be a duration such as \"90d\", \"12h\" or \"30s\"."},
           {"\"90\"", duration, "'k' must be a duration such as \"90d\", \"12h\" or \"30s\"."},
           {"1", texts, "'k' must be a text or a list of texts."},
           {"[\"a\", 1]", texts, "'k' must be a text or a list of texts."},
           {"[[\"a\"]]", texts, "'k' must be a text or a list of texts."},
           {"\"a\"", table, "'k' must be a table."},
           {"[{}]", table, "'k' must be a table."},
           {"{}", tables, "'k' must be written as [[k]]."},
           {"[1]", tables, "'k' must be written as [[k]]."},
           {"[{}, 1]", tables, "'k' must be written as [[k]]."}}) {
    auto file = document("\n k = " + std::string(row.value));
    ConfigTable root = file.root();
    row.read(root);
    root.done();
    EXPECT_EQ(file.complaints(), Texts{std::string("f.toml:2:6: ") + row.complaint}) << row.value;
  }
}

TEST(ConfigReader, AnUnknownKeyIsToldItsNearestKnownOne) {
  auto file = document("adress = 1\nqqqqqqqq = 2\n\"x\\ny\\u001b\" = 3\n[sub]\nsise = 4\n");
  ConfigTable root = file.root();
  root.text("address");
  root.integer("port", 0, 1);
  auto sub = root.table("sub");
  sub->integer("size", 0, 1);
  sub->done();
  root.done();
  EXPECT_EQ(file.complaints(),
            (Texts{"f.toml:5:1: unknown key 'sise'. Did you mean 'size'?",
                   "f.toml:1:1: unknown key 'adress'. Did you mean 'address'?",
                   "f.toml:2:1: unknown key 'qqqqqqqq'. Known are: address port sub.",
                   "f.toml:3:1: unknown key 'x\\x0ay\\x1b'. Known are: address port sub."}));
  const auto finished = file.finish();
  ASSERT_TRUE(finished.has_error());
  EXPECT_EQ(finished.error().code, Code::malformed);
  EXPECT_EQ(std::ranges::count(finished.error().detail, '\n'), 3) << "one complaint, one line";
}

TEST(ConfigReader, TextThatIsNoTOMLIsRefusedWithItsPlace) {
  for (const auto& [text, place] : std::vector<std::pair<std::string, const char*>>{
           {"a = ", "f.toml:1:5: this is not TOML: "},
           {"a = 1\nb == 2", "f.toml:2:4: this is not TOML: "},
           {"[a]\n[a]", "f.toml:2:"},
           {"a = 1\na = 2", "f.toml:2:"},
           {std::string("a = \"\0\"", 7), "f.toml:1:"},
           {"a = \"x\ny\"", "f.toml:1:"},
           {std::string(5000, '['), "f.toml:1:"},
           {"a = " + std::string(5000, '['), "f.toml:1:"}}) {
    const auto parsed = ConfigDocument::parse(text, "f.toml");
    ASSERT_TRUE(parsed.has_error()) << text.substr(0, 40);
    EXPECT_EQ(parsed.error().code, Code::malformed);
    EXPECT_TRUE(parsed.error().detail.starts_with(place)) << parsed.error().detail;
    EXPECT_EQ(parsed.error().detail.find('\n'), std::string::npos) << parsed.error().detail;
  }
}

TEST(ConfigReader, AKeyOfMorePartsThanAnyoneWritesIsRefusedBeforeItIsRead) {
  std::string parts = "a";
  for (int i = 0; i < 60'000; ++i) parts += ".a";
  for (const std::string& text :
       {"x = 1\n" + parts + " = 1\n", "x = 1\n[" + parts + "]\n",
        "x = 1\ny = { " + parts + " = 1 }\n", "x = \"\"\"#\"\"\"\n" + parts + " = 1\n"}) {
    const auto read = ConfigDocument::parse(text, "f.toml");
    ASSERT_TRUE(read.has_error());
    EXPECT_EQ(read.error().detail, "f.toml:2:1: a key has too many parts.");
  }
  const std::string dots(5000, '.');
  const std::string texts = "a = '" + dots + "' # " + dots + "\nb = \"\\\"" + dots +
                            "\"\nc = \"\"\"\n\"" + dots + "\"\"\"\nd = '''\n'" + dots + "'''\n";
  EXPECT_TRUE(ConfigDocument::parse(texts, "f.toml").has_value());
}

TEST(Nearest, IsTheWordWithTheFewestLettersChangedIfFewEnough) {
  const Texts known = {"certname", "certname_regex", "source", "key"};
  EXPECT_EQ(nearest("certnam", known), "certname");
  EXPECT_EQ(nearest("certname_rexeg", known), "certname_regex");
  EXPECT_EQ(nearest("sourec", known), "source");
  EXPECT_EQ(nearest("key", known), "key");
  EXPECT_EQ(nearest("abcdefgh", known), "");
  EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace countersign
