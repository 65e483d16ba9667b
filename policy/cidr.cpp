#include "policy/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace countersign::policy {
namespace {

using Address = std::array<std::uint8_t, 16>;
constexpr int kMappedBits = 96;

struct Parsed {
  Address bytes{};
  bool v4 = false;
};

std::optional<Parsed> parse_address(const std::string& text) {
  Parsed parsed;
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    parsed.v4 = true;
    parsed.bytes[10] = parsed.bytes[11] = 0xFF;
    const auto* from = reinterpret_cast<const std::uint8_t*>(&v4);
    std::copy(from, from + 4, parsed.bytes.begin() + 12);
    return parsed;
  }
  if (::inet_pton(AF_INET6, text.c_str(), parsed.bytes.data()) == 1) return parsed;
  return std::nullopt;
}

bool bit(const Address& address, int index) {
  return ((address[static_cast<std::size_t>(index / 8)] >> (7 - index % 8)) & 1) != 0;
}

}  // namespace

std::optional<Cidr> Cidr::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = address->v4 ? 32 : 128;
  int bits = most;
  if (slash != std::string::npos) {
    const char* begin = text.data() + slash + 1;
    const char* end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(begin, end, bits);
    if (ec != std::errc{} || stop != end || begin == end || bits < 0 || bits > most) {
      return std::nullopt;
    }
  }
  Cidr range;
  range.network_ = address->bytes;
  range.bits_ = bits + (address->v4 ? kMappedBits : 0);
  for (int i = range.bits_; i < 128; ++i) {
    if (bit(range.network_, i)) return std::nullopt;
  }
  return range;
}

bool Cidr::contains(const std::string& address) const {
  const auto parsed = parse_address(address);
  if (!parsed) return false;
  for (int i = 0; i < bits_; ++i) {
    if (bit(parsed->bytes, i) != bit(network_, i)) return false;
  }
  return true;
}

}  // namespace countersign::policy
