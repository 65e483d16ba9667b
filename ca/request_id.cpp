#include "ca/request_id.h"

namespace countersign::ca {

// ULID: 48 bits of milliseconds and 80 random bits in Crockford's base 32.
std::string new_request_id(Timestamp arrived, const Random& random) {
  static constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::uint64_t time = static_cast<std::uint64_t>(arrived.time_since_epoch().count());
  std::string id(26, '0');
  for (std::size_t i = 10; i-- > 0; time >>= 5) id[i] = kAlphabet[time & 31];
  const Bytes noise = random.bytes(16);
  for (std::size_t i = 0; i < 16; ++i) id[10 + i] = kAlphabet[noise[i] & 31];
  return id;
}

}  // namespace countersign::ca
