// Object identifiers: X.690 8.19.
#include <charconv>
#include <stdexcept>
#include <vector>

#include "x509/der.h"

namespace countersign::x509::der {

std::optional<std::string> oid_text(ByteView content) {
  if (content.empty() || (content.back() & 0x80) != 0) return std::nullopt;
  std::string text;
  std::uint64_t arc = 0;
  bool starts = true;
  for (const std::uint8_t octet : content) {
    if (starts && octet == 0x80) return std::nullopt;  // not the fewest octets
    if ((arc >> 57) != 0) return std::nullopt;
    arc = (arc << 7) | (octet & 0x7FU);
    starts = (octet & 0x80) == 0;
    if (!starts) continue;
    if (text.empty()) {
      // 8.19.4: the first two arcs share one number, and only the arc 2 has children over 39.
      const std::uint64_t root = arc < 80 ? arc / 40 : 2;
      text = std::to_string(root) + "." + std::to_string(arc - root * 40);
    } else {
      text += "." + std::to_string(arc);
    }
    arc = 0;
  }
  return text;
}

namespace {

std::vector<std::uint64_t> arcs_of(std::string_view dotted) {
  const auto refuse = [&] {
    throw std::invalid_argument("not an object identifier: " + std::string(dotted));
  };
  std::vector<std::uint64_t> arcs;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  while (true) {
    std::uint64_t arc = 0;
    const auto [after, error] = std::from_chars(at, end, arc);
    // A zero in front has no meaning, and would give one OID two names.
    if (error != std::errc() || (*at == '0' && after - at > 1)) refuse();
    arcs.push_back(arc);
    if (after == end) break;
    if (*after != '.') refuse();
    at = after + 1;
  }
  if (arcs.size() < 2 || arcs[0] > 2 || (arcs[0] < 2 && arcs[1] > 39) ||
      arcs[1] > (std::uint64_t{1} << 62)) {
    refuse();
  }
  arcs[1] += arcs[0] * 40;
  arcs.erase(arcs.begin());
  return arcs;
}

}  // namespace

void Writer::object_identifier(std::string_view dotted, std::uint8_t tag) {
  const std::vector<std::uint64_t> arcs = arcs_of(dotted);
  nest(tag, [&] {
    for (const std::uint64_t arc : arcs) {
      unsigned shift = 0;
      while (shift < 63 && (arc >> shift) >= 0x80) shift += 7;
      for (; shift > 0; shift -= 7) {
        out_.push_back(static_cast<std::uint8_t>(0x80 | ((arc >> shift) & 0x7F)));
      }
      out_.push_back(static_cast<std::uint8_t>(arc & 0x7F));
    }
  });
}

}  // namespace countersign::x509::der
