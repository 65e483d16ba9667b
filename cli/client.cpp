#include "cli/client.h"

#include <curl/curl.h>

#include "cli/failure.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kLargestReply = std::size_t{64} << 20U;

struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

std::size_t collect(char* data, std::size_t size, std::size_t count, void* target) {
  auto* text = static_cast<std::string*>(target);
  if (text->size() + size * count > kLargestReply) return 0;
  text->append(data, size * count);
  return size * count;
}

std::string advice(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return "The server's certificate does not fit: check 'url' and 'ca' in the client file.";
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
      return "Is the service running, and is 'url' in the client file right?";
    default:
      return "Is the service running, and is your own certificate neither expired nor revoked?";
  }
}

}  // namespace

struct Client::Transfer {
  CURL* curl = ::curl_easy_init();
  std::string received;
  char error[CURL_ERROR_SIZE] = "";

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { ::curl_easy_cleanup(curl); }

  template <class Value>
  void set(CURLoption option, Value value) {
    ::curl_easy_setopt(curl, option, value);
  }
  // Keeps the connection; forgets all that the last call set.
  void reset() {
    ::curl_easy_reset(curl);
    received.clear();
    error[0] = '\0';
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, 5L);
    set(CURLOPT_TIMEOUT, 60L);
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(error));
    set(CURLOPT_WRITEFUNCTION, &collect);
    set(CURLOPT_WRITEDATA, &received);
  }
};

Client::Client(ClientConfig config)
    : config_(std::move(config)), transfer_(std::make_unique<Transfer>()) {}
Client::~Client() = default;

Client::Reply Client::call(const char* method, const std::string& path, const json::value& body) {
  Transfer& transfer = *transfer_;
  transfer.reset();
  const std::string url = config_.url + path;
  const std::string sent = body.is_null() ? std::string() : json::serialize(body);
  std::unique_ptr<curl_slist, FreeList> headers;
  const auto add = [&headers](const char* line) {
    headers.reset(::curl_slist_append(headers.release(), line));
  };
  add("Accept: application/json");
  add("Expect:");
  if (!body.is_null()) add("Content-Type: application/json");
  if (!config_.token.empty()) {
    std::string line = "Authorization: Bearer " + std::string(config_.token.view());
    add(line.c_str());
    wipe(line.data(), line.size());
  }
  transfer.set(CURLOPT_URL, url.c_str());
  transfer.set(CURLOPT_CUSTOMREQUEST, method);
  transfer.set(CURLOPT_HTTPHEADER, headers.get());
  if (!config_.ca.empty()) {
    transfer.set(CURLOPT_CAINFO, config_.ca.c_str());
    // Debian's libcurl trusts a folder by default, which would still count beside the file.
    transfer.set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!config_.cert.empty()) {
    transfer.set(CURLOPT_SSLCERT, config_.cert.c_str());
    transfer.set(CURLOPT_SSLKEY, config_.key.c_str());
  }
  if (std::string_view(method) != "GET") {
    transfer.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent.size()));
    transfer.set(CURLOPT_POSTFIELDS, sent.c_str());
  }
  const CURLcode code = ::curl_easy_perform(transfer.curl);
  if (code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE) {
    throw Failure(kUsage, "a file that the client file names cannot be used: " +
                              std::string(static_cast<const char*>(transfer.error)));
  }
  if (code == CURLE_WRITE_ERROR) {
    throw Failure(kFailed, "the server's answer is larger than 64 MiB. Narrow it with --match.");
  }
  if (code != CURLE_OK) {
    const std::string why = transfer.error[0] != '\0' ? transfer.error : ::curl_easy_strerror(code);
    throw Failure(kUnreachable, "cannot reach " + config_.url + ": " + why + ". " + advice(code));
  }
  Reply reply;
  ::curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &reply.status);
  json::error_code error;
  if (!transfer.received.empty()) reply.body = json::parse(transfer.received, error);
  if (error) throw Failure(kFailed, config_.url + " does not answer as countersign does.");
  return reply;
}

std::string Client::Reply::problem() const {
  if (const auto* object = body.if_object()) {
    if (const auto* detail = object->if_contains("detail"); detail && detail->is_string()) {
      return std::string(detail->get_string());
    }
  }
  return "the server answered with status " + std::to_string(status) + ".";
}

json::value Client::must(const char* method, const std::string& path, const json::value& body) {
  Reply reply = call(method, path, body);
  if (reply.done()) return std::move(reply.body);
  std::string text = reply.problem();
  if (reply.status == 401 || reply.status == 403) {
    text += " The client file must name an operator's certificate and key, or a token.";
  }
  if (reply.status == 503) text += " Try again shortly; GET /v1/health/ready tells more.";
  throw Failure(reply.status == 404 ? kNothing : kFailed, text);
}

json::array Client::all(const std::string& path, const char* rows) {
  json::array list;
  std::string cursor;
  for (;;) {
    const std::string next = path + (path.find('?') == std::string::npos ? "?" : "&") +
                             "limit=1000" +
                             (cursor.empty() ? "" : "&cursor=" + url_encoded(cursor));
    json::value page = must("GET", next);
    auto* object = page.if_object();
    auto* found = object != nullptr ? object->if_contains(rows) : nullptr;
    if (found == nullptr || !found->is_array()) {
      throw Failure(kFailed, config_.url + " does not answer as countersign does.");
    }
    for (json::value& row : found->get_array()) list.push_back(std::move(row));
    const json::value* following = object->if_contains("next_cursor");
    if (following == nullptr || !following->is_string()) return list;
    cursor = std::string(following->get_string());
  }
}

std::string url_encoded(std::string_view text) {
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

}  // namespace countersign::cli
