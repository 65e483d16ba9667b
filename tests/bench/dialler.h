// Opens connections to the service: TCP from one of several loopback addresses, then TLS.
#ifndef COUNTERSIGN_TESTS_BENCH_DIALLER_H_
#define COUNTERSIGN_TESTS_BENCH_DIALLER_H_

#include <cstdint>
#include <string>

#include "tests/bench/machines.h"

namespace countersign::bench {

struct Target {
  std::uint16_t port = 0;  // on 127.0.0.1
  std::string chain_file;
  // Addresses to come from: one has 28,000 ports, and a service may limit what one host holds.
  unsigned sources = 1;
  std::string certificate_file, key_file;  // the client's own; empty: it has none
};

// Throws std::runtime_error if something cannot be read, or the service cannot be reached.
class Dialler {
 public:
  explicit Dialler(Target target);

  // One connection that verifies the server's chain and name. The others do not: at each of many
  // handshakes it would cost the generator more than the rest of its work.
  void check_server();
  // A non-blocking socket that connects, from the next of the addresses.
  int connect();
  // TLS over it, in the role of the client, as `holder` if that is not null.
  Connection tls(int socket, const Machine* holder) const;

 private:
  const Target target_;
  const Context context_;
  unsigned next_source_ = 0;
};

// For what happens before the clock starts: waits for the socket and the handshake.
void handshake_now(::SSL* tls, int socket);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_DIALLER_H_
