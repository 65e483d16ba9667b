// One HTTPS request to a server that a site names: a decider, a hook, a set of keys.
#ifndef COUNTERSIGN_BASE_HTTPS_CLIENT_H_
#define COUNTERSIGN_BASE_HTTPS_CLIENT_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace countersign {

struct HttpsRequest {
  std::string method = "GET";
  std::string url;  // https://…
  // Neither names nor values may hold control characters: malformed.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                        // not sent with GET
  std::filesystem::path ca_file;           // PEM, trusted alone; empty: what the system trusts
  std::filesystem::path client_cert_file;  // PEM; empty: none
  std::filesystem::path client_key_file;   // empty: the key is in the same file
  std::string proxy;                       // empty: none, whatever the environment says
  std::chrono::milliseconds deadline{5000};
  std::size_t body_limit = std::size_t{1} << 20U;
  // Ends the call within about a second once it is true: unavailable. Null: nothing does.
  const std::atomic<bool>* cancel = nullptr;
};

struct HttpsResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  // The value of the first header of that name, which is in lower case; "" if there is none.
  std::string_view header(std::string_view name) const;
  // "application/json" of "application/json; charset=utf-8", in lower case.
  std::string media_type() const;
  // Of Cache-Control (RFC 9111 section 5.2.2.1); no-store and no-cache count as 0.
  std::optional<std::chrono::seconds> max_age() const;
};

// Thread-safe. The process must ignore SIGPIPE, as the service does: a server may close early.
class HttpsClient {
 public:
  virtual ~HttpsClient() = default;
  // Blocks, at most for the deadline, which covers the name, the connection and all that is sent
  // and read. TLS 1.2 or later with the server's name verified; no redirect is followed and nothing
  // is decompressed: what the server answers is what the caller gets, whatever its status.
  // malformed: not such a request. too_large: a body over the limit, or headers over 64 KiB.
  // unavailable: no answer; the detail names no host, the cause says what happened.
  virtual Result<HttpsResponse> send(const HttpsRequest& request) const = 0;
};

// A new connection for each request.
std::unique_ptr<HttpsClient> make_https_client();

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_HTTPS_CLIENT_H_
