// countersign.toml: a text that is taken gives settings that are within their bounds, the same each
// time; of one that is not, every complaint says where in the file it is.
#include <string>

#include "cli/service_config.h"
#include "tests/fuzz/require.h"

// Of api/http/server.cpp, which has coroutines (see CMakeLists.txt).
namespace countersign::api {
bool is_listen_address(const std::string& address) {
  return address.find(':') != std::string::npos;
}
}  // namespace countersign::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string file = "/etc/countersign/countersign.toml";
  const auto config = countersign::cli::parse_service_config(text, file);
  const auto again = countersign::cli::parse_service_config(text, file);
  require(config.has_value() == again.has_value());
  if (config.has_error()) {
    require(config.error().code == countersign::Code::malformed);
    require(config.error().detail == again.error().detail);
    require(config.error().detail.starts_with(file + ":"));
    return 0;
  }
  require(config->listen == again->listen && config->store_file == again->store_file);
  require(config->store_file.is_absolute() && config->ca_dir.is_absolute());
  require(config->limits.connections > 0);
  require(!config->authority.hostnames.empty() && !config->authority.profiles.empty());
  return 0;
}
