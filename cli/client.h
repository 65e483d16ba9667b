// The operator's side of REST: finds the server, speaks mutual TLS or a token, explains failures.
#ifndef COUNTERSIGN_CLI_CLIENT_H_
#define COUNTERSIGN_CLI_CLIENT_H_

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace countersign::cli {

// What client.toml holds. Paths are absolute; empty: not given.
struct ClientConfig {
  std::string url;  // "https://host:port", no slash at the end
  std::filesystem::path ca;
  std::filesystem::path cert;
  std::filesystem::path key;
  Secret token;
  std::filesystem::path views;  // views.toml, beside the file
};

// malformed with "file:line:column: …". Relative paths start at the folder of `file`.
Result<ClientConfig> parse_client_config(std::string_view text, const std::filesystem::path& file);
// `given` (--client), else $COUNTERSIGN_CLIENT, else ~/.config/countersign/client.toml, else
// /etc/countersign/client.toml. Throws Failure.
ClientConfig find_client_config(const std::string& given);

// One kept connection. Not thread-safe.
class Client {
 public:
  explicit Client(ClientConfig config);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  struct Reply {
    long status = 0;
    boost::json::value body;  // null if there is none
    bool done() const { return status >= 200 && status < 300; }
    // What the server says is wrong, for people.
    std::string problem() const;
  };
  // `body` null: none is sent. Throws Failure if the server cannot be reached or does not speak our
  // JSON.
  Reply call(const char* method, const std::string& path, const boost::json::value& body = nullptr);
  // The same; throws Failure for any status but 2xx: kNothing for 404, else kFailed.
  boost::json::value must(const char* method, const std::string& path,
                          const boost::json::value& body = nullptr);
  // Every row of a list, page by page. `rows` names the member that holds them.
  boost::json::array all(const std::string& path, const char* rows);

 private:
  struct Transfer;
  const ClientConfig config_;
  const std::unique_ptr<Transfer> transfer_;
};

// One segment of a path, or one value of a query.
std::string url_encoded(std::string_view text);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_CLIENT_H_
