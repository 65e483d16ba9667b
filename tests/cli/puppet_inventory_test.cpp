#include "cli/puppet_inventory.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

constexpr const char* kDates = " 2024-01-01T00:00:00UTC 2029-12-31T23:59:59UTC ";

TEST(PuppetInventory, ARowOfServerOrCommandLineIsReadWithItsNumbersDatesAndSubject) {
  const struct {
    std::string serial, subject, hex, certname;
  } cases[] = {
      {"0x002A", "CN=agent.example.com", "2A", "agent.example.com"},
      {"0x002a", "CN=agent", "2A", "agent"},
      {"0x1", "CN=a", "01", "a"},
      {"0x10000", "CN=a", "010000", "a"},
      {"0x0000", "CN=a", "00", "a"},
      {"0x4F00112233445566778899AABBCCDDEE", "CN=a", "4F00112233445566778899AABBCCDDEE", "a"},
      {"0x0001", "CN=Puppet CA: ca.example.com", "01", ""},
      {"0x0001", "CN=Example CA,OU=Ops,O=Example", "01", ""},
      {"0x0001", "O=Example,CN=a", "01", ""},
  };
  for (const auto& [serial, subject, hex, certname] : cases) {
    SCOPED_TRACE(serial + " " + subject);
    const Inventory inventory = parse_inventory(serial + kDates + "/" + subject + "\n");
    ASSERT_EQ(inventory.rows.size(), 1U);
    const InventoryRow& row = inventory.rows.front();
    EXPECT_TRUE(inventory.damage.empty());
    EXPECT_EQ(to_hex(row.serial), hex);
    EXPECT_EQ(row.subject, subject);
    EXPECT_EQ(row.certname(), certname);
    EXPECT_EQ(to_rfc3339(row.not_before), "2024-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(row.not_after), "2029-12-31T23:59:59Z");
  }
}

TEST(PuppetInventory, BlankLinesWindowsEndsAndAMissingLastNewlineAreTolerated) {
  const std::string row = std::string("0x0001") + kDates + "/CN=a";
  for (const std::string& text : {row, row + "\n", "\n" + row + "\n\n", row + "\r\n", row + "  "}) {
    const Inventory inventory = parse_inventory(text);
    EXPECT_TRUE(inventory.damage.empty()) << text;
    ASSERT_EQ(inventory.rows.size(), 1U) << text;
    EXPECT_EQ(inventory.rows.front().subject, "CN=a");
  }
  EXPECT_TRUE(parse_inventory("").rows.empty());
  EXPECT_TRUE(parse_inventory("\n").rows.empty());
}

TEST(PuppetInventory, ALineThatIsNoRowIsNamedByItsNumberAndTheOthersAreStillRead) {
  const std::string good = std::string("0x0001") + kDates + "/CN=a\n";
  for (const std::string& bad : {
           std::string("0x0002 2024-01-01T00:00:00UTC 2029-0"),
           std::string("0x0002"),
           std::string("0002") + kDates + "/CN=a",
           std::string("0x") + kDates + "/CN=a",
           std::string("0xZZ") + kDates + "/CN=a",
           std::string("0x0002") + kDates + "CN=a",
           std::string("0x0002") + kDates + "/",
           std::string("0x0002 2024-13-01T00:00:00UTC 2029-01-01T00:00:00UTC /CN=a"),
           std::string("0x0002 2024-01-01T00:00:00Z 2029-01-01T00:00:00Z /CN=a"),
           "0x" + std::string(65, 'A') + kDates + "/CN=a",
       }) {
    SCOPED_TRACE(bad);
    const Inventory inventory = parse_inventory(good + "\n" + bad + "\n" + good);
    EXPECT_EQ(inventory.rows.size(), 2U);
    ASSERT_EQ(inventory.damage.size(), 1U);
    EXPECT_EQ(inventory.damage.front().line, 3U);
  }
}

TEST(PuppetInventory, ARowIsWrittenAsPuppetserverWritesIt) {
  const std::string text = std::string("0x002a") + kDates + "/CN=agent.example.com";
  EXPECT_EQ(format_inventory_row(parse_inventory(text).rows.at(0)),
            std::string("0x002A") + kDates + "/CN=agent.example.com\n");
}

TEST(PuppetSerialFile, EveryFormThatItsWritersUseIsRead) {
  const struct {
    std::string text, hex, written;
  } cases[] = {
      {"0001", "01", "0001"},   {"002\n", "02", "0002"},      {"2b\n", "2B", "002B"},
      {" 002A ", "2A", "002A"}, {"10000", "010000", "10000"}, {"7FFFFFFF", "7FFFFFFF", "7FFFFFFF"},
  };
  for (const auto& [text, hex, written] : cases) {
    const auto serial = parse_serial_file(text);
    ASSERT_TRUE(serial.has_value()) << text;
    EXPECT_EQ(to_hex(*serial), hex);
    EXPECT_EQ(format_serial(*serial), written);
  }
  for (const char* text : {"", "\n", "xyz", "-1", "0x", "00 01"}) {
    EXPECT_TRUE(parse_serial_file(text).has_error()) << text;
  }
}

}  // namespace
}  // namespace countersign::cli
