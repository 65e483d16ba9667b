#include "x509/der.h"

#include <gtest/gtest.h>

namespace countersign::x509::der {
namespace {

struct Encoding {
  const char* what;
  const char* hex;
  bool is_der;
};

class DerValues : public ::testing::TestWithParam<Encoding> {};

TEST_P(DerValues, AreAcceptedInTheirOneEncodingOnly) {
  const Bytes der = from_hex(GetParam().hex).value();
  Fault fault(Code::malformed);
  Reader reader(der, fault);
  check_value(reader.any("value"), fault, "value");
  reader.finish("value");
  EXPECT_EQ(!fault.found(), GetParam().is_der) << GetParam().what;
  if (fault.found()) {
    EXPECT_TRUE(fault.error().detail.starts_with("The value ")) << fault.error().detail;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Der, DerValues,
    ::testing::Values(
        Encoding{"zero", "020100", true}, Encoding{"padded integer", "02020001", false},
        Encoding{"padded negative", "0202FF80", false}, Encoding{"128", "02020080", true},
        Encoding{"empty integer", "0200", false}, Encoding{"true", "0101FF", true},
        Encoding{"BER true", "010101", false}, Encoding{"long boolean", "0102FFFF", false},
        Encoding{"null", "0500", true}, Encoding{"null with content", "050100", false},
        Encoding{"oid", "0603550403", true}, Encoding{"empty oid", "0600", false},
        Encoding{"oid with 80 in front", "06048055040A", false},
        Encoding{"unfinished oid", "060255C8", false}, Encoding{"bits", "030200FF", true},
        Encoding{"bits without count", "0300", false}, Encoding{"8 unused bits", "030208FF", false},
        Encoding{"unused bits not zero", "030201FF", false},
        Encoding{"unused bits of nothing", "030101", false},
        Encoding{"sequence", "3003020101", true}, Encoding{"primitive sequence", "1000", false},
        Encoding{"indefinite length", "30800000", false},
        Encoding{"long form of a short length", "308103020101", false},
        Encoding{"length with zero in front", "3082000302010100", false},
        Encoding{"length over the end", "0405AA", false}, Encoding{"no length", "04", false},
        Encoding{"five octets of length", "04850000000001AA", false},
        Encoding{"high tag number", "1F8101", false}, Encoding{"end of contents", "0000", false},
        Encoding{"string in pieces", "24030401AA", false},
        Encoding{"odd BMPString", "1E0161", false}, Encoding{"trailing byte", "050000", false},
        Encoding{"fault deep inside", "3005A103010101", false}));

TEST(Der, NestingHasALimit) {
  Bytes der = {0x05, 0x00};
  for (int i = 0; i < 100; ++i) {
    Writer writer;
    writer.element(kSequence, der);
    der = writer.take();
  }
  Fault fault(Code::malformed);
  Reader reader(der, fault);
  check_value(reader.any("value"), fault, "value");
  EXPECT_TRUE(fault.found());
}

TEST(Der, ObjectIdentifiersComeBackAsTheyWere) {
  for (const char* text : {"1.2.840.113549.1.1.11", "2.5.4.3", "0.39", "1.0.128", "2.999.1",
                           "1.3.6.1.4.1.34380.1.1.1", "2.5.9223372036854775808"}) {
    Writer writer;
    writer.object_identifier(text);
    const Bytes der = writer.take();
    Fault fault(Code::malformed);
    EXPECT_EQ(Reader(der, fault).object_identifier("oid"), text);
  }
}

TEST(Der, TextThatIsNoObjectIdentifierIsRefused) {
  for (const char* text : {"", "1", "1.", ".1", "3.1", "1.40", "1.2.03", "1.2.x", "1..2", "1.2 "}) {
    Writer writer;
    EXPECT_THROW(writer.object_identifier(text), std::invalid_argument) << text;
  }
}

TEST(Der, LongElementsGetLongLengths) {
  for (const std::size_t size : {127U, 128U, 255U, 256U, 65535U, 65536U}) {
    Writer writer;
    writer.nest(kSequence, [&] { writer.element(kOctetString, Bytes(size, 0x5A)); });
    const Bytes der = writer.take();
    Fault fault(Code::malformed);
    Reader outer(der, fault);
    Reader inner = outer.enter(kSequence, "sequence");
    EXPECT_EQ(inner.read(kOctetString, "string").content.size(), size);
    EXPECT_FALSE(fault.found()) << fault.error().detail;
  }
}

TEST(Der, TimesAreUtcTimeUpTo2049AndGeneralizedTimeAfter) {
  struct Case {
    const char* time;
    std::uint8_t tag;
    const char* text;
  };
  for (const Case& row : {Case{"2026-11-24T15:04:05Z", kUtcTime, "261124150405Z"},
                          Case{"1950-01-01T00:00:00Z", kUtcTime, "500101000000Z"},
                          Case{"2049-12-31T23:59:59Z", kUtcTime, "491231235959Z"},
                          Case{"2050-01-01T00:00:00Z", kGeneralizedTime, "20500101000000Z"}}) {
    const auto time = std::chrono::floor<std::chrono::seconds>(parse_rfc3339(row.time).value());
    Writer writer;
    writer.time(time);
    const Bytes der = writer.take();
    EXPECT_EQ(der[0], row.tag);
    EXPECT_EQ(as_text(ByteView(der).subspan(2)), row.text);
    Fault fault(Code::malformed);
    EXPECT_EQ(Reader(der, fault).time("time"), Timestamp(time));
  }
}

TEST(Der, OtherFormsOfTimeAreRefused) {
  for (const char* text : {"2611241504Z", "261124150405", "261124150405+0100", "261324150405Z",
                           "260229150405Z", "261124240000Z", "261124150460Z", "26112415040 Z"}) {
    Writer writer;
    writer.element(kUtcTime, as_bytes(text));
    const Bytes der = writer.take();
    Fault fault(Code::malformed);
    Reader(der, fault).time("time");
    EXPECT_TRUE(fault.found()) << text;
  }
}

TEST(Der, StringsOfEveryTypeBecomeUtf8) {
  const auto text = [](std::uint8_t tag, const char* hex) {
    return string_text(tag, from_hex(hex).value());
  };
  EXPECT_EQ(text(kUtf8String, "C3A9"), "é");
  EXPECT_EQ(text(kBmpString, "00E900610062"), "éab");
  EXPECT_EQ(text(kUniversalString, "0001F600"), "😀");
  EXPECT_EQ(text(kPrintableString, "6162"), "ab");
  EXPECT_EQ(text(kT61String, "6162"), "ab");
  EXPECT_EQ(text(kT61String, "E9"), std::nullopt);
  EXPECT_EQ(text(kIa5String, "610062"), std::nullopt) << "NUL";
  EXPECT_EQ(text(kUtf8String, "610062"), std::nullopt) << "NUL";
  EXPECT_EQ(text(kBmpString, "00610000"), std::nullopt) << "NUL";
  EXPECT_EQ(text(kBmpString, "D83D"), std::nullopt) << "surrogate";
  EXPECT_EQ(text(kUtf8String, "EDA0BD"), std::nullopt) << "surrogate";
  EXPECT_EQ(text(kUtf8String, "C0AF"), std::nullopt) << "overlong";
  EXPECT_EQ(text(kUtf8String, "E0809F"), std::nullopt) << "overlong";
  EXPECT_EQ(text(kUtf8String, "F4908080"), std::nullopt) << "over U+10FFFF";
  EXPECT_EQ(text(kUtf8String, "C3"), std::nullopt) << "cut off";
  EXPECT_EQ(text(kOctetString, "61"), std::nullopt);
}

}  // namespace
}  // namespace countersign::x509::der
