// The HTTPS listener: TLS, limits, sessions, draining.
#ifndef COUNTERSIGN_API_HTTP_SERVER_H_
#define COUNTERSIGN_API_HTTP_SERVER_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/http/connection_counts.h"
#include "api/http/message.h"
#include "api/http/session_threads.h"
#include "base/result.h"
#include "policy/cidr.h"

namespace countersign::api {

struct Limits {
  std::size_t header_bytes = std::size_t{16} << 10U;
  std::size_t body_bytes = std::size_t{512} << 10U;
  std::size_t bodies_bytes = std::size_t{256} << 20U;  // of all requests that are being read
  std::size_t connections = 10000;
  // Of one source: an IPv4 address, or the first 64 bits of an IPv6 address. A tenth more are told
  // to come back, others are cut.
  std::size_t connections_per_source = 1000;
  std::size_t handshakes_per_source = 500;  // under way
  // Proxies and gateways that many clients come through; by default the machine itself.
  std::vector<policy::Cidr> unlimited_sources = {*policy::Cidr::parse("127.0.0.0/8"),
                                                 *policy::Cidr::parse("::1/128")};
  // While what is ready waits for longer than this for its turn, a request with a body of a client
  // without a certificate is told to come back. Reads are not: most are for what was just signed.
  std::chrono::milliseconds late{250};
  std::chrono::milliseconds handshake{10000};
  std::chrono::milliseconds read{
      15000};  // from the first wait for a request's header to its last byte
  std::chrono::milliseconds write{15000};
  std::chrono::milliseconds idle{60000};  // between requests of a kept connection
};

// What the TLS layer asks about client certificates.
struct ClientTrust {
  std::string ca_pem;  // the chain that client certificates must end in
  std::function<bool(const x509::Certificate&)>
      trusted;  // called in the handshake; may block shortly
  std::function<std::uint64_t()>
      revocations;  // when it rises, kept connections ask trusted() again
};

// "127.0.0.1:8140", "[::]:8140": an IP address and a port.
bool is_listen_address(const std::string& address);

// Thread-safe where it says so. Listens on `io`, which one thread runs; connections are served on
// `sessions`. Both outlive it.
class Server {
 public:
  // `prefixes`: handlers by path prefix, longest first wins ("/v1", "/puppet-ca", "/status"); no
  // prefix matches: 404.
  Server(boost::asio::io_context& io, SessionThreads& sessions, Limits limits, ClientTrust trust,
         std::vector<std::pair<std::string, Handler>> prefixes);
  ~Server();

  // TLS 1.2 and 1.3, no session resumption (a resumed session would skip the check of the client's
  // certificate). For handshakes from now on; thread-safe. `chain_pem`: server certificate first.
  Result<void> set_certificate(const std::string& chain_pem, const std::string& key_pem);

  // "127.0.0.1:8140", "[::]:8140"; port 0 takes a free one. Returns "ADDR:PORT" as bound.
  Result<std::string> listen(const std::string& address);

  // Accepts nothing new, closes idle connections, lets requests that run finish; `done` is called
  // once on the io_context when the last connection is gone. Thread-safe.
  void drain(std::function<void()> done);
  std::size_t connections() const;  // thread-safe
  ConnectionCounts counts() const;  // thread-safe

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_SERVER_H_
