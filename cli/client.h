// The operator's side of REST: finds the server, speaks mutual TLS or a token, explains failures.
#ifndef COUNTERSIGN_CLI_CLIENT_H_
#define COUNTERSIGN_CLI_CLIENT_H_

#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace countersign::cli {

// Ends a verb with this exit code after its text went to stderr.
struct Failure {
  int code;
  std::string text;
};

// Not thread-safe.
class Client {
 public:
  // --client, else $COUNTERSIGN_CLIENT, else ~/.config/countersign/client.toml, else
  // /etc/countersign/client.toml. Throws Failure.
  static Client open(const std::filesystem::path& given);
  Client(Client&&) noexcept;
  ~Client();

  struct Reply {
    long status = 0;
    boost::json::value body;  // null if there is none
  };
  // Throws Failure if the server cannot be reached. `body` null: GET, or POST with no body.
  Reply call(const char* method, const std::string& path, const boost::json::value& body = nullptr);
  // The same; any status but 2xx throws Failure: exit 3 for 404, else 1.
  boost::json::value must(const char* method, const std::string& path,
                          const boost::json::value& body = nullptr);
  // Every row of a list, page by page. `member` holds the rows.
  boost::json::array all(const std::string& path, const char* member);

  static std::string encode(std::string_view text);  // for paths and queries
  // What a problem document says, for people.
  static std::string problem_text(const Reply& reply);

 private:
  struct Settings;
  explicit Client(std::unique_ptr<Settings> settings);
  std::unique_ptr<Settings> settings_;
};

// Runs a verb and turns its Failure into text and code.
int guarded(const char* verb, const std::function<int()>& run);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_CLIENT_H_
