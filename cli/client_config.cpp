// client.toml: what it holds and where it is.
#include <cstdlib>

#include "base/config_reader.h"
#include "base/file_system.h"
#include "cli/client.h"
#include "cli/failure.h"

namespace countersign::cli {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 10U;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

ClientConfig load(const fs::path& file) {
  const std::string text = required(system_files().read(file, kLargestFile), kUsage);
  return required(parse_client_config(text, file), kUsage);
}

}  // namespace

Result<ClientConfig> parse_client_config(std::string_view text, const fs::path& file) {
  auto document = ConfigDocument::parse(text, file.string());
  if (document.has_error()) return document.error();
  ConfigTable root = document->root();
  ClientConfig config;
  const fs::path folder = fs::absolute(file).parent_path();
  const auto path_of = [&](const char* key) -> fs::path {
    const auto value = root.text(key);
    return value ? (folder / *value).lexically_normal() : fs::path();
  };
  config.views = folder / "views.toml";
  config.url = root.text("url").value_or("");
  if (!config.url.starts_with("https://")) {
    root.complain("url",
                  "'url' must be there and start with https://, as https://ca.example.com:8140.");
  }
  while (config.url.ends_with('/')) config.url.pop_back();
  config.ca = path_of("ca");
  config.cert = path_of("cert");
  config.key = path_of("key");
  config.token = Secret(root.text("token").value_or(""));
  if (config.cert.empty() != config.key.empty()) {
    root.complain(config.cert.empty() ? "key" : "cert", "'cert' and 'key' go together.");
  }
  root.done();
  const auto finished = document->finish();
  if (finished.has_error()) return finished.error();
  return config;
}

ClientConfig find_client_config(const std::string& given) {
  if (!given.empty()) return load(given);
  if (const std::string named = environment("COUNTERSIGN_CLIENT"); !named.empty()) {
    return load(named);
  }
  std::vector<fs::path> places;
  if (const std::string home = environment("HOME"); !home.empty()) {
    places.push_back(fs::path(home) / ".config/countersign/client.toml");
  }
  places.emplace_back("/etc/countersign/client.toml");
  std::string looked;
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (fs::exists(place, ignored)) return load(place);
    looked += (looked.empty() ? "" : " and ") + place.string();
  }
  throw Failure(kUsage, "Which server? There is no " + looked +
                            ". Give --client F or set COUNTERSIGN_CLIENT to the client.toml that "
                            "'countersign init' wrote.");
}

}  // namespace countersign::cli
