// Audit rows and checkpoints as lines of JSON.
#include "ca/audit_line.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/ca/audit_history.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

TEST(AuditLine, WhatIsWrittenIsReadBackExactly) {
  AuditHistory history = audit_history(10);
  store::AuditRecord row = history.row(3);
  row.at += std::chrono::milliseconds(7);
  row.detail = "{\"reason\": \"a \\\"b\\\"\\n\xC3\xA9\"}  ";  // not as boost would write it
  row.subject = std::string("nul\0in it", 9);
  const auto read = parse_audit_line(boost::json::serialize(audit_object(row)));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(std::get<store::AuditRecord>(*read), row);

  const auto& checkpoint = history.checkpoints[0];
  const auto signed_ = parse_audit_line(boost::json::serialize(audit_object(checkpoint)));
  ASSERT_TRUE(signed_) << signed_.error().detail;
  EXPECT_EQ(std::get<store::AuditCheckpoint>(*signed_), checkpoint);
}

// A text that a reader sees and no hash covers would be a place to lie.
TEST(AuditLine, AnythingElseIsRefused) {
  const std::string row =
      R"({"sequence":1,"at":"2026-11-24T15:04:05.000Z","action":"a","actor":"b","source":"",)"
      R"("subject":"","serial":"","detail":"{}","request_id":"","hash":"00AF"})";
  const std::string checkpoint =
      R"({"checkpoint":{"sequence":1,"hash":"00","at":"2026-11-24T15:04:05.000Z","key":"A",)"
      R"("signature":"30"}})";
  ASSERT_TRUE(parse_audit_line(row));
  ASSERT_TRUE(parse_audit_line(checkpoint));
  const auto with = [](std::string text, const std::string& old, const std::string& fresh) {
    const auto place = text.find(old);
    EXPECT_NE(place, std::string::npos) << old;
    return text.replace(place, old.size(), fresh);
  };
  for (const std::string& line : {
           std::string(),
           std::string("x"),
           std::string("[]"),
           std::string("{}"),
           std::string(R"({"checkpoint":1})"),
           row + row,
           row + "x",
           with(row, R"("hash")", R"("note":"x","hash")"),
           with(row, R"("actor":"b",)", ""),
           with(row, R"("actor":"b")", R"("actor":null)"),
           with(row, R"("detail":"{}")", R"("detail":{})"),
           with(row, R"("sequence":1)", R"("sequence":1.0)"),
           with(row, R"("sequence":1)", R"("sequence":0)"),
           with(row, R"("sequence":1)", R"("sequence":"1")"),
           with(row, R"("sequence":1)", R"("sequence":99999999999999999999)"),
           with(row, "05.000Z", "05Z"),
           with(row, "05.000Z", "05.0001Z"),
           with(row, "05.000Z", "65.000Z"),
           with(row, "00AF", "00af"),
           with(row, "00AF", "00A"),
           with(row, "00AF", "00AG"),
           with(checkpoint, R"("key":"A",)", ""),
           with(checkpoint, R"("key":"A")", R"("key":"A","x":1)"),
           with(checkpoint, "}}", R"(},"x":1})"),
           with(checkpoint, R"("30")", R"("3")"),
       }) {
    const auto read = parse_audit_line(line);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().code, Code::malformed) << line;
  }
  EXPECT_EQ(parse_audit_line(std::string(kAuditLineBytes + 1, ' ')).error().code, Code::too_large);
}

}  // namespace
}  // namespace countersign::ca
