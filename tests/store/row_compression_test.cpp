// Bodies of rows: what is written is read again, and what is damaged is told from it.
#include "store/sqlite/row_compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "store/sqlite/connection.h"
#include "store/sqlite/row_body.h"
#include "store/sqlite/row_fields.h"
#include "tests/store/rows.h"

namespace countersign::store {
namespace {

class RowCompressionTest : public ::testing::Test {
 protected:
  // Two of a shape share all but their noise.
  Bytes row(const std::string& shape) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      text += shape + std::to_string(i * 7919);
      for (int j = 0; j < 8; ++j) text += static_cast<char>(noise_());
    }
    return to_bytes(as_bytes(text));
  }
  Bytes pack(ByteView plain) { return writer_.pack(RowKind::certificate, plain); }
  Bytes unpack(ByteView body) {
    return reader_.unpack(body, [this](std::int64_t id) -> std::optional<Bytes> {
      const auto found = dictionaries_.find(id);
      return found == dictionaries_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  // Was one made?
  bool renew() {
    const auto bytes = writer_.renewal(RowKind::certificate);
    if (!bytes) return false;
    EXPECT_LE(bytes->size(), kLargestDictionary);
    const auto id = static_cast<std::int64_t>(dictionaries_.size()) + 1;
    dictionaries_[id] = *bytes;
    writer_.use(RowKind::certificate, id, *bytes);
    return true;
  }
  std::size_t packed(const std::string& shape) {
    const Bytes plain = row(shape);
    const Bytes body = pack(plain);
    EXPECT_EQ(unpack(body), plain);
    renew();
    return body.size();
  }

  std::mt19937 noise_{7};
  RowWriter writer_;
  RowReader reader_;
  std::map<std::int64_t, Bytes> dictionaries_;
};

TEST_F(RowCompressionTest, WithoutADictionaryABodyIsPlain) {
  const Bytes plain = row("the first");
  Bytes expected = {0};
  expected.insert(expected.end(), plain.begin(), plain.end());
  EXPECT_EQ(pack(plain), expected);
  EXPECT_EQ(unpack(expected), plain);
  EXPECT_EQ(unpack(pack({})), Bytes());
}

TEST_F(RowCompressionTest, ARowThatIsLikeThoseBeforeItIsSmall) {
  packed("the subject is CN=");
  packed("the subject is CN=");
  const std::size_t whole = row("the subject is CN=").size();
  EXPECT_LT(packed("the subject is CN="), whole / 2);
  EXPECT_EQ(dictionaries_.size(), 1U);
}

TEST_F(RowCompressionTest, ADictionaryIsRenewedWhenRowsChangeAndNotBefore) {
  for (int i = 0; i < 300; ++i) packed("an elliptic machine ");
  const std::size_t settled = dictionaries_.size();
  EXPECT_LE(settled, 4U);
  for (int i = 0; i < 300; ++i) packed("an elliptic machine ");
  EXPECT_EQ(dictionaries_.size(), settled) << "nothing has changed";
  const std::size_t before = packed("SOMETHING ELSE BY FAR: ");
  for (int i = 0; i < 200; ++i) packed("SOMETHING ELSE BY FAR: ");
  EXPECT_GT(dictionaries_.size(), settled);
  EXPECT_LT(packed("SOMETHING ELSE BY FAR: "), before * 3 / 4);
  EXPECT_LT(packed("an elliptic machine "), row("an elliptic machine ").size() * 3 / 4)
      << "the new one knows the old rows, too";
}

TEST_F(RowCompressionTest, WhatIsTooLargeOrHasNothingInCommonIsPlain) {
  for (int i = 0; i < 3; ++i) packed("a row ");
  ASSERT_FALSE(dictionaries_.empty());
  const Bytes large(kLargestBody + 1, 'x');
  EXPECT_EQ(pack(large).size(), large.size() + 1);
  EXPECT_EQ(unpack(pack(large)), large);
  Bytes noise(100);
  for (auto& byte : noise) byte = static_cast<std::uint8_t>(noise_());
  EXPECT_EQ(pack(noise).front(), 0);
}

TEST_F(RowCompressionTest, ADamagedBodyIsAnErrorWhereverTheDamageIs) {
  for (int i = 0; i < 3; ++i) packed("a row ");
  const Bytes plain = row("a row ");
  const Bytes body = pack(plain);
  ASSERT_NE(body.front(), 0);
  std::size_t told = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      Bytes damaged = body;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ (1 << bit));
      // Of the id one bit makes a plain body: that is for the form of the row to find.
      if (damaged.front() == 0) continue;
      try {
        EXPECT_EQ(unpack(damaged), plain) << "some bits of a frame say nothing; " << i;
      } catch (const SqliteError& error) {
        EXPECT_EQ(error.primary(), SQLITE_CORRUPT);
        ++told;
      }
    }
    EXPECT_THROW(static_cast<void>(unpack(ByteView(body).first(i))), SqliteError) << i;
  }
  EXPECT_GT(told, body.size() * 3 - 10);
  RowReader fresh;
  const auto none = [](std::int64_t) { return std::optional<Bytes>(); };
  EXPECT_THROW(static_cast<void>(fresh.unpack(body, none)), SqliteError)
      << "its dictionary is gone";
}

TEST(RowFields, EveryValueIsReadAsItWasWritten) {
  const std::int64_t numbers[] = {0,   1,   -1,        63,           64,        -64,      -65,
                                  127, 128, 1LL << 40, -(1LL << 40), INT64_MAX, INT64_MIN};
  const std::string ids[] = {"",
                             "R1",
                             "01JDKZ8Q0V5M3W9XYZ7ABCDEFG",
                             "00000000000000000000000000",
                             "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                             "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                             "01jdkz8q0v5m3w9xyz7abcdefg",
                             "01JDKZ8Q0V5M3W9XYZ7ABCDEFI"};
  FieldWriter out;
  for (const auto number : numbers) out.integer(number);
  for (const auto& id : ids) out.id(id);
  out.text("text");
  out.optional_time_from(at(50), std::nullopt);
  out.optional_time_from(at(50), at(70));
  const Bytes written = out.take();
  FieldReader in(written);
  for (const auto number : numbers) EXPECT_EQ(in.integer(), number);
  for (const auto& id : ids) EXPECT_EQ(in.id(), id);
  EXPECT_EQ(in.text(), "text");
  EXPECT_FALSE(in.optional_time_from(at(50)));
  EXPECT_EQ(in.optional_time_from(at(50)), at(70));
  in.end();
}

TEST(RowBody, ABodyThatIsCutOrGoesOnIsAnError) {
  CertificateRecord certificate = store::certificate("web", 1);
  RequestRecord request = store::request("R1", "web");
  const Bytes whole = certificate_body(certificate, &request);
  CertificateRecord read;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(read_certificate_body(ByteView(whole).first(size), read), SqliteError) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_THROW(read_certificate_body(longer, read), SqliteError);
  EXPECT_TRUE(read_certificate_body(whole, read));
  EXPECT_THROW(read_request_body(whole, request), SqliteError) << "of another form";
}

}  // namespace
}  // namespace countersign::store
