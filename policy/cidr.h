// Address ranges.
#ifndef COUNTERSIGN_POLICY_CIDR_H_
#define COUNTERSIGN_POLICY_CIDR_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace countersign::policy {

// An IPv6 address. An IPv4 address and its IPv4-mapped form are the same.
using Address = std::array<std::uint8_t, 16>;
// nullopt if it is none. The zone of a link-local address ("fe80::1%eth0") is left out.
std::optional<Address> parse_address(const std::string& text);

// "10.0.0.0/8", "2001:db8::/32", or one address. Immutable.
class Cidr {
 public:
  // nullopt for anything else, and where bits behind the prefix are set: a likely typing error.
  static std::optional<Cidr> parse(const std::string& text);
  bool contains(const Address& address) const;

 private:
  Address network_{};
  int bits_ = 0;
};

// Is there an address, and is it in one of the ranges?
bool contains(const std::vector<Cidr>& ranges, const std::optional<Address>& address);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_CIDR_H_
