#include "ca/foreign_text.h"

#include <cstdint>

namespace countersign::ca {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// RFC 3629.
Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (size == 0 || lead > 0xF4 || text.size() < size) return {};
  std::uint32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, size, true};
}

bool shows(std::uint32_t code) {
  if (code <= 0x20 || (code >= 0x7F && code <= 0xA0)) return false;
  const bool turns = code == 0x61C || code == 0x200E || code == 0x200F ||
                     (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return !turns && code != 0xFEFF;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  std::string line;
  bool gap = false;
  while (!text.empty()) {
    const Character next = first_of(text);
    if (!next.valid || !shows(next.code)) {
      gap = !line.empty();
    } else {
      if (line.size() + (gap ? 1 : 0) + next.bytes > most) break;
      if (gap) line += ' ';
      gap = false;
      line += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return line;
}

}  // namespace countersign::ca
