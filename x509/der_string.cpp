// The string types of X.509 as UTF-8.
#include "x509/der.h"

namespace countersign::x509::der {
namespace {

bool append_utf8(std::uint32_t point, std::string& text) {
  const auto put = [&text](std::uint32_t octet) { text.push_back(static_cast<char>(octet)); };
  if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
  return true;
}

// Code points of `width` octets each.
std::optional<std::string> from_wide(ByteView content, std::size_t width) {
  if (content.size() % width != 0) return std::nullopt;
  std::string text;
  for (; !content.empty(); content = content.subspan(width)) {
    std::uint32_t point = 0;
    for (const std::uint8_t octet : content.first(width)) point = (point << 8) | octet;
    if (!append_utf8(point, text)) return std::nullopt;
  }
  return text;
}

std::optional<std::string> from_ascii(ByteView content) {
  for (const std::uint8_t octet : content) {
    if (octet == 0 || octet >= 0x80) return std::nullopt;
  }
  return std::string(as_text(content));
}

// RFC 3629: no overlong form, no surrogate, nothing over U+10FFFF.
std::optional<std::string> from_utf8(ByteView content) {
  std::string text;
  for (std::size_t i = 0; i < content.size();) {
    const std::uint8_t first = content[i];
    const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || content.size() - i < size) {
      return std::nullopt;
    }
    std::uint32_t point = size == 1 ? first : first & (0x7FU >> size);
    for (std::size_t k = 1; k < size; ++k) {
      if ((content[i + k] & 0xC0) != 0x80) return std::nullopt;
      point = (point << 6) | (content[i + k] & 0x3FU);
    }
    const std::size_t before = text.size();
    if (!append_utf8(point, text) || text.size() - before != size) return std::nullopt;
    i += size;
  }
  return text;
}

}  // namespace

std::optional<std::string> string_text(std::uint8_t tag, ByteView content) {
  switch (tag) {
    case kUtf8String:
      return from_utf8(content);
    case kNumericString:
    case kPrintableString:
    case kT61String:
    case kIa5String:
      return from_ascii(content);
    case kBmpString:
      return from_wide(content, 2);
    case kUniversalString:
      return from_wide(content, 4);
    default:
      return std::nullopt;
  }
}

}  // namespace countersign::x509::der
