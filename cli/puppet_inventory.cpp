#include "cli/puppet_inventory.h"

#include <algorithm>
#include <optional>

#include "x509/der.h"

namespace countersign::cli {
namespace {

// RFC 5280 4.1.2.2 allows 20 octets; some CAs went beyond.
constexpr std::size_t kLongestSerial = 64;  // hexadecimal digits
constexpr std::string_view kBlanks = " \t\r\n";

std::optional<Bytes> parse_serial(std::string_view digits) {
  if (digits.empty() || digits.size() > kLongestSerial) return std::nullopt;
  auto bytes = from_hex((digits.size() % 2 == 1 ? "0" : "") + std::string(digits));
  if (!bytes) return std::nullopt;
  const auto first =
      std::find_if(bytes->begin(), bytes->end() - 1, [](std::uint8_t b) { return b != 0; });
  bytes->erase(bytes->begin(), first);
  return bytes;
}

// "2024-01-01T00:00:00UTC"
std::optional<Timestamp> parse_date(std::string_view text) {
  constexpr std::string_view kZone = "UTC";
  constexpr std::size_t kLength = 22;
  if (text.size() != kLength || !text.ends_with(kZone)) return std::nullopt;
  std::string date(text.substr(0, kLength - kZone.size()));
  date.push_back('Z');
  return parse_rfc3339(date);
}

std::string format_date(Timestamp time) {
  std::string text = to_rfc3339(time);
  text.pop_back();
  return text + "UTC";
}

std::string_view take_field(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return field;
}

bool is_utf8(std::string_view text) {
  return x509::der::string_text(x509::der::kUtf8String, as_bytes(text)).has_value();
}

std::optional<InventoryRow> parse_row(std::string_view line) {
  const std::string_view number = take_field(line);
  if (!number.starts_with("0x") && !number.starts_with("0X")) return std::nullopt;
  const auto serial = parse_serial(number.substr(2));
  const auto not_before = parse_date(take_field(line));
  const auto not_after = parse_date(take_field(line));
  if (!serial || !not_before || !not_after) return std::nullopt;
  // A name goes into JSON, whatever wrote it here.
  if (line.size() < 2 || line.front() != '/' || !is_utf8(line)) return std::nullopt;
  return InventoryRow{.serial = *serial,
                      .not_before = *not_before,
                      .not_after = *not_after,
                      .subject = std::string(line.substr(1))};
}

}  // namespace

std::string InventoryRow::certname() const {
  constexpr std::string_view kCn = "CN=";
  if (!subject.starts_with(kCn)) return {};
  std::string name = subject.substr(kCn.size());
  // RFC 2253 separates RDNs by ',' and the parts of one by '+'.
  return name.find_first_of(",+/= ") == std::string::npos ? name : std::string();
}

Inventory parse_inventory(std::string_view text) {
  Inventory inventory;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    std::string_view content = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t last = content.find_last_not_of(kBlanks);
    if (last == std::string_view::npos) continue;
    content = content.substr(0, last + 1);
    auto row = parse_row(content);
    if (!row) {
      inventory.damage.push_back(
          {"", line,
           "this is not `0xSERIAL NOT_BEFORE NOT_AFTER /SUBJECT`, or not UTF-8; was it cut off?"});
      continue;
    }
    row->line = line;
    inventory.rows.push_back(std::move(*row));
  }
  return inventory;
}

std::string format_inventory_row(const InventoryRow& row) {
  return "0x" + format_serial(row.serial) + " " + format_date(row.not_before) + " " +
         format_date(row.not_after) + " /" + row.subject + "\n";
}

Result<Bytes> parse_serial_file(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return fail(Code::malformed, "it is empty");
  text = text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  auto serial = parse_serial(text);
  if (!serial) return fail(Code::malformed, "it holds no hexadecimal number");
  return std::move(*serial);
}

std::string format_serial(ByteView serial) {
  std::string digits = to_hex(serial);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.size() < 4 ? std::string(4 - digits.size(), '0') + digits : digits;
}

}  // namespace countersign::cli
