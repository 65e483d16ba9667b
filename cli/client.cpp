#include "cli/client.h"

#include <curl/curl.h>

#include <cstdlib>
#include <iostream>

#include "base/bytes.h"
#include "base/config_reader.h"
#include "base/file_system.h"
#include "cli/exit_code.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kLargestReply = std::size_t{64} << 20U;

fs::path find_client_file(const fs::path& given) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("COUNTERSIGN_CLIENT"); named != nullptr && *named != '\0') {
    return named;
  }
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    const fs::path own = fs::path(home) / ".config/countersign/client.toml";
    if (fs::exists(own)) return own;
  }
  const fs::path system = "/etc/countersign/client.toml";
  if (fs::exists(system)) return system;
  throw Failure{kUsage,
                "no client file. Name one with --client F or COUNTERSIGN_CLIENT, or put one at "
                "~/.config/countersign/client.toml; `countersign init` writes one."};
}

std::size_t collect(char* data, std::size_t size, std::size_t count, void* target) {
  auto* text = static_cast<std::string*>(target);
  if (text->size() + size * count > kLargestReply) return 0;
  text->append(data, size * count);
  return size * count;
}

}  // namespace

struct Client::Settings {
  std::string url;
  std::string ca;
  std::string cert;
  std::string key;
  Secret token;
  CURL* curl = ::curl_easy_init();

  ~Settings() { ::curl_easy_cleanup(curl); }
};

Client::Client(std::unique_ptr<Settings> settings) : settings_(std::move(settings)) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

Client Client::open(const fs::path& given) {
  const fs::path file = find_client_file(given);
  const auto text = system_files().read(file, 65536);
  if (text.has_error()) throw Failure{kUsage, text.error().detail};
  auto document = ConfigDocument::parse(*text, file.string());
  if (document.has_error()) throw Failure{kUsage, document.error().detail};
  ConfigTable root = document->root();
  auto settings = std::make_unique<Settings>();
  const auto path = [&](const char* key) {
    const auto value = root.text(key);
    return value ? (file.parent_path() / *value).string() : std::string();
  };
  settings->url = root.text("url").value_or("");
  settings->ca = path("ca");
  settings->cert = path("cert");
  settings->key = path("key");
  settings->token = Secret(root.text("token").value_or(""));
  if (!settings->url.starts_with("https://")) {
    root.complain("url", "'url' must be like \"https://ca.example.com:8140\".");
  }
  while (settings->url.ends_with('/')) settings->url.pop_back();
  root.done();
  const auto finished = document->finish();
  if (finished.has_error()) throw Failure{kUsage, finished.error().detail};
  return Client(std::move(settings));
}

std::string Client::encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out += "%" + to_hex(as_bytes(std::string_view(&c, 1)));
    }
  }
  return out;
}

Client::Reply Client::call(const char* method, const std::string& path,
                           const boost::json::value& body) {
  CURL* curl = settings_->curl;
  ::curl_easy_reset(curl);
  const std::string url = settings_->url + path;
  std::string received;
  std::string sent = body.is_null() ? std::string() : boost::json::serialize(body);
  curl_slist* headers = ::curl_slist_append(nullptr, "Accept: application/json");
  headers = ::curl_slist_append(headers, "Expect:");
  if (!body.is_null()) headers = ::curl_slist_append(headers, "Content-Type: application/json");
  if (!settings_->token.empty()) {
    std::string line = "Authorization: Bearer " + std::string(settings_->token.view());
    headers = ::curl_slist_append(headers, line.c_str());
    wipe(line.data(), line.size());
  }
  char text[CURL_ERROR_SIZE] = "";
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &collect);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  if (!settings_->ca.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, settings_->ca.c_str());
  if (!settings_->cert.empty()) {
    ::curl_easy_setopt(curl, CURLOPT_SSLCERT, settings_->cert.c_str());
    ::curl_easy_setopt(curl, CURLOPT_SSLKEY, settings_->key.c_str());
  }
  if (std::string_view(method) != "GET") {
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent.size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent.c_str());
  }
  const CURLcode code = ::curl_easy_perform(curl);
  ::curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    const std::string why = *text != '\0' ? text : ::curl_easy_strerror(code);
    throw Failure{kUnreachable,
                  "cannot reach " + settings_->url + ": " + why +
                      ". Is the service running, is the url in the client file right, "
                      "and is your certificate not revoked?"};
  }
  Reply reply;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  boost::json::error_code error;
  if (!received.empty()) reply.body = boost::json::parse(received, error);
  if (error) throw Failure{kFailed, settings_->url + " does not answer as countersign does."};
  return reply;
}

std::string Client::problem_text(const Reply& reply) {
  if (const auto* object = reply.body.if_object()) {
    if (const auto* detail = object->if_contains("detail"); detail && detail->is_string()) {
      return std::string(detail->get_string());
    }
  }
  return "the server answered with status " + std::to_string(reply.status) + ".";
}

boost::json::value Client::must(const char* method, const std::string& path,
                                const boost::json::value& body) {
  Reply reply = call(method, path, body);
  if (reply.status >= 200 && reply.status < 300) return std::move(reply.body);
  std::string text = problem_text(reply);
  if (reply.status == 401 || reply.status == 403) {
    text += " The client file must name an operator's certificate and key, or a token.";
  }
  if (reply.status == 503) text += " Try again shortly; /v1/health/ready tells more.";
  throw Failure{reply.status == 404 ? kNothing : kFailed, text};
}

boost::json::array Client::all(const std::string& path, const char* member) {
  boost::json::array rows;
  std::string cursor;
  for (;;) {
    const std::string next = path + (path.find('?') == std::string::npos ? "?" : "&") +
                             "limit=1000" + (cursor.empty() ? "" : "&cursor=" + encode(cursor));
    const boost::json::value page = must("GET", next);
    for (const auto& row : page.at(member).as_array()) rows.push_back(row);
    const auto& following = page.at("next_cursor");
    if (!following.is_string()) return rows;
    cursor = std::string(following.get_string());
  }
}

int guarded(const char* verb, const std::function<int()>& run) {
  try {
    return run();
  } catch (const Failure& failure) {
    std::cerr << "countersign " << verb << ": " << failure.text << "\n";
    return failure.code;
  } catch (const boost::system::system_error& error) {
    std::cerr << "countersign " << verb
              << ": the server's answer is not understood: " << error.what() << "\n";
    return kFailed;
  }
}

}  // namespace countersign::cli
