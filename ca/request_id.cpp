#include "ca/request_id.h"

#include <algorithm>

namespace countersign::ca {
namespace {

constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

std::string first_request_id(Timestamp arrived) {
  // 48 bits, and none before 1970.
  const auto since =
      std::clamp<std::int64_t>(arrived.time_since_epoch().count(), 0, (std::int64_t{1} << 48) - 1);
  std::uint64_t time = static_cast<std::uint64_t>(since);
  std::string id(10, '0');
  for (std::size_t i = 10; i-- > 0; time >>= 5) id[i] = kAlphabet[time & 31];
  return id;
}

// ULID: 48 bits of milliseconds and 80 random bits in Crockford's base 32.
std::string new_request_id(Timestamp arrived, const Random& random) {
  std::string id = first_request_id(arrived);
  id.resize(26);
  const Bytes noise = random.bytes(16);
  for (std::size_t i = 0; i < 16; ++i) id[10 + i] = kAlphabet[noise[i] & 31];
  return id;
}

}  // namespace countersign::ca
