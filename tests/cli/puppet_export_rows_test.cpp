#include "cli/puppet_export_rows.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

TEST(PuppetExportRows, ACertificateIsOneRowWithItsWholeSerialAndWholeSeconds) {
  store::CertificateRecord row;
  row.certname = "agent.example.com";
  row.not_before = parse_rfc3339("2024-01-01T00:00:00.999Z").value();
  row.not_after = parse_rfc3339("2029-12-31T23:59:59Z").value();
  const struct {
    std::string serial, written;
  } cases[] = {
      {"2A", "0x002A"},
      {"010000", "0x10000"},
      {"7FFFFFFF", "0x7FFFFFFF"},
      {"61D4FDF9F52AD34D73E96C51C7037C34", "0x61D4FDF9F52AD34D73E96C51C7037C34"},
      {"04D4FDF9F52AD34D73E96C51C7037C34", "0x4D4FDF9F52AD34D73E96C51C7037C34"},
  };
  for (const auto& [serial, written] : cases) {
    row.serial = hex(serial);
    const std::string text = format_inventory_row(inventory_row(row));
    EXPECT_EQ(text,
              written + " 2024-01-01T00:00:00UTC 2029-12-31T23:59:59UTC /CN=agent.example.com\n");
    const Inventory read = parse_inventory(text);
    ASSERT_EQ(read.rows.size(), 1U);
    EXPECT_EQ(read.rows.front().serial, row.serial);
    EXPECT_EQ(read.rows.front().certname(), row.certname);
  }
}

TEST(PuppetExportRows, ASubjectThatWasImportedIsWrittenAsItWas) {
  const struct {
    std::string certname, subject;  // what the import made of the subject
  } cases[] = {
      {"a.test", "CN=a.test"},
      {"Puppet CA: ca.test", "CN=Puppet CA: ca.test"},
      {"Example CA,OU=Ops,O=Example", "CN=Example CA,OU=Ops,O=Example"},
      {"a,OU=Ops", "CN=a,OU=Ops"},
      {"O=Example,CN=a", "O=Example,CN=a"},
      {"a.b=x", "CN=a.b=x"},
  };
  for (const auto& [certname, subject] : cases) {
    store::CertificateRecord row;
    row.certname = certname;
    EXPECT_EQ(inventory_row(row).subject, subject);
  }
}

TEST(PuppetExportRows, TheNextSerialIsAboveEveryOneThatPuppetserverCouldGive) {
  const struct {
    std::vector<std::string> issued;
    std::string counter, next;
  } cases[] = {
      {{}, "", "0001"},
      {{}, "01", "0001"},
      {{}, "2A", "002A"},
      {{"29"}, "2A", "002A"},
      {{"2A"}, "2A", "002B"},
      {{"2A"}, "", "002B"},
      {{"2A", "07"}, "", "002B"},
      {{"FFFF"}, "2A", "10000"},
      // What is longer than puppetserver counts does not push the counter.
      {{"61D4FDF9F52AD34D73E96C51C7037C34"}, "", "0001"},
      {{"80000000"}, "", "0001"},
      {{"0100000000", "03"}, "", "0004"},
      {{"00000003"}, "", "0004"},
      {{"7FFFFFFE"}, "", "7FFFFFFF"},
      {{}, "7FFFFFFF", "7FFFFFFF"},
  };
  for (const auto& [issued, counter, next] : cases) {
    NextSerial serials;
    for (const std::string& serial : issued) serials.saw(hex(serial));
    const auto found = serials.next(hex(counter));
    ASSERT_TRUE(found.has_value()) << counter;
    EXPECT_EQ(format_serial(*found), next) << counter;
  }
}

TEST(PuppetExportRows, ThereIsNoNextSerialWhereA32BitNumberEnds) {
  NextSerial full;
  full.saw(hex("7FFFFFFF"));
  EXPECT_EQ(full.next({}).error().code, Code::conflict);
  for (const char* counter : {"80000000", "FFFFFFFF", "0100000000"}) {
    EXPECT_TRUE(NextSerial().next(hex(counter)).has_error()) << counter;
  }
}

TEST(PuppetExportRows, OnlyANameThatStaysInItsFolderBecomesAFile) {
  for (const std::string& name :
       {std::string("a"), std::string("web-1.example.com"), std::string("_x"),
        std::string("rootca."), std::string(251, 'a')}) {
    EXPECT_TRUE(names_a_file(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/b"),
        std::string("a b"), std::string("a\nb"), std::string("a\0b", 3), std::string("\xC3\xA4"),
        std::string(252, 'a')}) {
    EXPECT_FALSE(names_a_file(name)) << name;
  }
}

}  // namespace
}  // namespace countersign::cli
