#include "policy/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace countersign::policy {
namespace {

constexpr int kMappedBits = 96;

bool parse_v4(const std::string& text, Address& address) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) != 1) return false;
  address = {};
  address[10] = address[11] = 0xFF;
  const auto* from = reinterpret_cast<const std::uint8_t*>(&v4);
  std::copy(from, from + 4, address.begin() + 12);
  return true;
}

bool parse_v6(const std::string& text, Address& address) {
  return ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

// Are the first `bits` bits of both the same?
bool same_prefix(const Address& a, const Address& b, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const int rest = bits % 8;
  return rest == 0 || ((a.at(whole) ^ b.at(whole)) >> (8 - rest)) == 0;
}

}  // namespace

std::optional<Address> parse_address(const std::string& text) {
  Address address{};
  // inet_pton reads C strings.
  if (text.find('\0') != std::string::npos) return std::nullopt;
  if (parse_v4(text, address)) return address;
  if (parse_v6(text.substr(0, text.find('%')), address)) return address;
  return std::nullopt;
}

std::optional<Cidr> Cidr::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string host = text.substr(0, slash);
  if (host.find_first_of(std::string_view("%\0", 2)) != std::string::npos) return std::nullopt;
  Cidr range;
  const bool v4 = parse_v4(host, range.network_);
  if (!v4 && !parse_v6(host, range.network_)) return std::nullopt;
  const int most = v4 ? 32 : 128;
  int bits = most;
  if (slash != std::string::npos) {
    const char* begin = text.data() + slash + 1;
    const char* end = text.data() + text.size();
    if (end - begin > 1 && *begin == '0') return std::nullopt;
    const auto [stop, ec] = std::from_chars(begin, end, bits);
    if (ec != std::errc{} || stop != end || bits < 0 || bits > most) return std::nullopt;
  }
  range.bits_ = bits + (v4 ? kMappedBits : 0);
  Address masked = range.network_;
  for (int i = range.bits_; i < 128; ++i) {
    masked.at(static_cast<std::size_t>(i / 8)) &= static_cast<std::uint8_t>(~(0x80U >> (i % 8)));
  }
  if (masked != range.network_) return std::nullopt;
  return range;
}

bool Cidr::contains(const Address& address) const { return same_prefix(network_, address, bits_); }

bool contains(const std::vector<Cidr>& ranges, const std::optional<Address>& address) {
  return address &&
         std::ranges::any_of(ranges, [&](const Cidr& range) { return range.contains(*address); });
}

}  // namespace countersign::policy
