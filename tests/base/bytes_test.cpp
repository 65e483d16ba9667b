#include "base/bytes.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace countersign {
namespace {

TEST(Hex, IsUpperCaseAndReadsEither) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x0F, 0xA5, 0xFF}), "000FA5FF");
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(from_hex("000fA5Ff"), (Bytes{0x00, 0x0F, 0xA5, 0xFF}));
  EXPECT_EQ(from_hex(""), Bytes{});
  for (const std::string& bad : {std::string("0"), std::string("000"), std::string("0g"),
                                 std::string("g0"), std::string("0x10"), std::string("00 0"),
                                 std::string("0\0", 2), std::string("+1"), std::string("a:b")}) {
    EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
  }
}

TEST(Base64Url, HasTheValuesOfRFC4648WithoutPadding) {
  for (const auto& [text, encoded] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"f", "Zg"},
                                                        {"fo", "Zm8"},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg"},
                                                        {"fooba", "Zm9vYmE"},
                                                        {"foobar", "Zm9vYmFy"},
                                                        {"\xfb\xff\xfe", "-__-"}}) {
    EXPECT_EQ(to_base64url(as_bytes(text)), encoded);
  }
}

TEST(Base64Url, IsReadBackStrictly) {
  for (const char* text : {"", "f", "fo", "foo", "foob", "\xfb\xff\xfe"}) {
    EXPECT_EQ(from_base64url(to_base64url(as_bytes(text))), to_bytes(as_bytes(text)));
  }
  for (const char* bad :
       {"Z", "Zg=", "Zg==", "Zh", "Zm9", "Z m8", "Zm8\n", "+__-", "/__-", "\xff"}) {
    EXPECT_EQ(from_base64url(bad), std::nullopt) << bad;
  }
}

TEST(Base64, IsReadWithItsPaddingAndAcrossLines) {
  EXPECT_EQ(from_base64("Zm9vYg=="), to_bytes(as_bytes("foob")));
  EXPECT_EQ(from_base64("Zm9v\r\n Ym E=\n"), to_bytes(as_bytes("fooba")));
  EXPECT_EQ(from_base64("+/+/"), (Bytes{0xFB, 0xFF, 0xBF}));
  EXPECT_EQ(from_base64(""), Bytes{});
  for (const char* bad : {"Zm9vYg", "Zm9vYg=", "Z===", "====", "Zg=a", "Zh==", "-_-_"}) {
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
  }
}

TEST(ConstantTimeEqual, ComparesEveryByteAndTheLength) {
  const Bytes bytes = {1, 2, 3, 4};
  EXPECT_TRUE(constant_time_equal(bytes, Bytes{1, 2, 3, 4}));
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(bytes, Bytes{1, 2, 3}));
  EXPECT_FALSE(constant_time_equal(bytes, {}));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes other = bytes;
    other[i] ^= 0x80;
    EXPECT_FALSE(constant_time_equal(bytes, other)) << i;
  }
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  for (const std::string& text : {std::string("short"), std::string(100, 's')}) {
    Secret first(text);
    EXPECT_EQ(first.view(), text);
    Secret second(std::move(first));
    EXPECT_EQ(second.view(), text);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what a move leaves is the point
    Secret third("another");
    third = std::move(second);
    EXPECT_EQ(third.view(), text);
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  }
  static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
}

TEST(Wipe, Overwrites) {
  std::string text = "secret";
  wipe(text.data(), text.size());
  EXPECT_EQ(text, std::string(6, '\0'));
}

TEST(SystemRandom, FillsAllItIsGivenAndDoesNotRepeat) {
  std::set<Bytes> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(system_random().bytes(16));
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(system_random().bytes(0).empty());
  // More than getrandom gives in one call; the last 32 bytes are zero by chance once in 2^256.
  const Bytes many = system_random().bytes(std::size_t{1} << 20U);
  EXPECT_NE(Bytes(many.end() - 32, many.end()), Bytes(32, 0));
}

}  // namespace
}  // namespace countersign
