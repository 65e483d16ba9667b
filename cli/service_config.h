// countersign.toml, checked as a whole.
#ifndef COUNTERSIGN_CLI_SERVICE_CONFIG_H_
#define COUNTERSIGN_CLI_SERVICE_CONFIG_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "api/http/server.h"
#include "api/rest/rest_frontend.h"
#include "base/log.h"
#include "base/result.h"
#include "ca/authority.h"

namespace countersign::cli {

// Every path is absolute or relative to the working folder already.
struct ServiceConfig {
  std::string listen;
  std::filesystem::path ca_dir;
  std::filesystem::path passphrase_file;
  std::filesystem::path store_file;
  log::Format log_format = log::Format::logfmt;
  log::Level log_level = log::Level::info;
  api::Limits limits;
  api::RestSettings rest;
  ca::AuthorityConfig authority;
};

// malformed with one line "file:line:column: …" an error; all of them at once.
Result<ServiceConfig> parse_service_config(std::string_view toml,
                                           const std::filesystem::path& file);
Result<ServiceConfig> load_service_config(const std::filesystem::path& file);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_SERVICE_CONFIG_H_
