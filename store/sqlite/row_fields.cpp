#include "store/sqlite/row_fields.h"

#include <array>

#include "store/sqlite/connection.h"

namespace countersign::store {
namespace {

constexpr std::string_view kBase32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kIdCharacters = 26;
constexpr std::size_t kIdBytes = 16;

[[noreturn]] void corrupt() { throw SqliteError(SQLITE_CORRUPT, "the body of a row is damaged"); }

// 26 characters of five bits are two bits more than 16 bytes: the first is at most '7'.
std::optional<std::array<std::uint8_t, kIdBytes>> packed(std::string_view id) {
  if (id.size() != kIdCharacters || id[0] > '7') return std::nullopt;
  std::array<std::uint8_t, kIdBytes> out{};
  std::uint32_t bits = 0;
  int held = -2;
  std::size_t at = 0;
  for (const char c : id) {
    const std::size_t value = kBase32.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = ((bits << 5) | static_cast<std::uint32_t>(value)) & 0xfff;
    held += 5;
    if (held >= 8) {
      held -= 8;
      out[at++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  return out;
}

std::string unpacked(ByteView bytes) {
  std::string id;
  std::uint32_t bits = 0;
  int held = 2;
  for (const std::uint8_t byte : bytes) {
    bits = ((bits << 8) | byte) & 0x1fff;
    held += 8;
    while (held >= 5) {
      held -= 5;
      id += kBase32[(bits >> held) & 31];
    }
  }
  return id;
}

constexpr std::int64_t kAsText = 0;
constexpr std::int64_t kUpper = 1;
constexpr std::int64_t kLower = 2;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// Differences as unsigned numbers: no two times of a damaged row may overflow.
std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace

void FieldWriter::integer(std::int64_t value) {
  auto left = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; left >= 0x80; left >>= 7) out_.push_back(static_cast<std::uint8_t>(left | 0x80));
  out_.push_back(static_cast<std::uint8_t>(left));
}

void FieldWriter::time_from(Timestamp base, Timestamp value) {
  integer(minus(base.time_since_epoch().count(), value.time_since_epoch().count()));
}

void FieldWriter::optional_time_from(Timestamp base, const std::optional<Timestamp>& value) {
  integer(value ? 1 : 0);
  if (value) time_from(base, *value);
}

void FieldWriter::bytes(ByteView value) {
  integer(static_cast<std::int64_t>(value.size()));
  out_.insert(out_.end(), value.begin(), value.end());
}

void FieldWriter::hexadecimal(std::string_view value) {
  const auto digits = value.empty() ? std::nullopt : from_hex(value);
  const std::string upper = digits ? to_hex(*digits) : "";
  const std::int64_t form = !digits                 ? kAsText
                            : upper == value        ? kUpper
                            : lower(upper) == value ? kLower
                                                    : kAsText;
  integer(form);
  form == kAsText ? text(value) : bytes(*digits);
}

void FieldWriter::id(std::string_view value) {
  const auto short_form = packed(value);
  integer(short_form ? 1 : 0);
  if (!short_form) return text(value);
  out_.insert(out_.end(), short_form->begin(), short_form->end());
}

std::uint8_t FieldReader::byte() { return take(1).front(); }

ByteView FieldReader::take(std::uint64_t size) {
  if (size > in_.size()) corrupt();
  const ByteView taken = in_.first(static_cast<std::size_t>(size));
  in_ = in_.subspan(taken.size());
  return taken;
}

std::int64_t FieldReader::integer() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t next = byte();
    value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
    if ((next & 0x80) == 0) {
      return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
  }
  corrupt();
}

Timestamp FieldReader::time() { return Timestamp(std::chrono::milliseconds(integer())); }

Timestamp FieldReader::time_from(Timestamp base) {
  return Timestamp(std::chrono::milliseconds(minus(base.time_since_epoch().count(), integer())));
}

std::optional<Timestamp> FieldReader::optional_time_from(Timestamp base) {
  if (integer() == 0) return std::nullopt;
  return time_from(base);
}

ByteView FieldReader::bytes() { return take(static_cast<std::uint64_t>(integer())); }

std::string FieldReader::hexadecimal() {
  const std::int64_t form = integer();
  if (form == kAsText) return text();
  if (form != kUpper && form != kLower) corrupt();
  const std::string digits = to_hex(bytes());
  return form == kUpper ? digits : lower(digits);
}

std::string FieldReader::id() {
  if (integer() == 0) return text();
  return unpacked(take(kIdBytes));
}

void FieldReader::end() const {
  if (!in_.empty()) corrupt();
}

}  // namespace countersign::store
