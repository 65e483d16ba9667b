// Address ranges. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_CIDR_H_
#define COUNTERSIGN_POLICY_CIDR_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace countersign::policy {

// "10.0.0.0/8", "2001:db8::/32", or one address. An IPv4 address and its IPv4-mapped IPv6 form are
// the same address. Immutable.
class Cidr {
 public:
  // nullopt for anything else, and where bits behind the prefix are set: a likely typing error.
  static std::optional<Cidr> parse(const std::string& text);
  bool contains(const std::string& address) const;

 private:
  std::array<std::uint8_t, 16> network_{};
  int bits_ = 0;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_CIDR_H_
