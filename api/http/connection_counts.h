// What /metrics tells of connections.
#ifndef COUNTERSIGN_API_HTTP_CONNECTION_COUNTS_H_
#define COUNTERSIGN_API_HTTP_CONNECTION_COUNTS_H_

#include <cstdint>

namespace countersign::api {

struct ConnectionCounts {
  std::uint64_t open = 0;
  // Cut, or told 503 for their number, since the start:
  std::uint64_t refused_total = 0;       // over the bound of all connections
  std::uint64_t refused_source = 0;      // over that of their source
  std::uint64_t refused_handshakes = 0;  // too many handshakes of one source
  std::uint64_t refused_late = 0;        // requests, told 503 by a session thread that was late
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_CONNECTION_COUNTS_H_
