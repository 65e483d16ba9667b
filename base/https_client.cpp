#include "base/https_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "base/bytes.h"

namespace countersign {
namespace {

constexpr std::size_t kHeaderLimit = std::size_t{64} << 10U;

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

struct EndTransfer {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};

// A line may hold a credential.
struct WipeList {
  void operator()(curl_slist* list) const {
    for (curl_slist* line = list; line != nullptr; line = line->next) {
      wipe(line->data, std::string_view(line->data).size());
    }
    ::curl_slist_free_all(list);
  }
};
using Lines = std::unique_ptr<curl_slist, WipeList>;

// What came so far, and how much may still come.
struct Arriving {
  HttpsResponse response;
  std::size_t body_limit = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

// To return less than was given ends the transfer.
std::size_t take_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto& arriving = *static_cast<Arriving*>(target);
  const std::size_t length = size * count;
  if (length > arriving.body_limit - arriving.response.body.size()) {
    arriving.too_large = true;
    return 0;
  }
  arriving.response.body.append(data, length);
  return length;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* target) {
  auto& arriving = *static_cast<Arriving*>(target);
  const std::size_t length = size * count;
  arriving.header_bytes += length;
  // Informational answers (1xx) and trailers count too: a server may send them for ever.
  if (arriving.header_bytes > kHeaderLimit) {
    arriving.too_large = true;
    return 0;
  }
  const std::string_view line(data, length);
  auto& headers = arriving.response.headers;
  if (line.starts_with("HTTP/")) headers.clear();  // the final answer follows a 1xx
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && !line.starts_with("HTTP/")) {
    headers.emplace_back(lower(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
  }
  return length;
}

int asked_to_end(void* cancel, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(cancel)->load(std::memory_order_relaxed) ? 1 : 0;
}

std::string what_happened(CURLcode code, std::chrono::milliseconds deadline) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return "no answer within " + std::to_string(deadline.count()) + " ms";
    case CURLE_COULDNT_RESOLVE_HOST:
      return "its name does not resolve";
    case CURLE_COULDNT_CONNECT:
      return "it cannot be connected to";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "its certificate is not trusted, or is of another name";
    case CURLE_SSL_CONNECT_ERROR:
      return "no TLS connection can be made";
    case CURLE_SSL_CACERT_BADFILE:
      return "the file of trusted CAs cannot be read";
    case CURLE_SSL_CERTPROBLEM:
      return "the client certificate or its key cannot be used";
    case CURLE_ABORTED_BY_CALLBACK:
      return "the service stops";
    default:
      return "the answer cannot be read";
  }
}

Result<void> check(const HttpsRequest& request) {
  if (!request.url.starts_with("https://") || has_control_character(request.url)) {
    return fail(Code::malformed, "the URL does not start with https://");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || has_control_character(name) || has_control_character(value)) {
      return fail(Code::malformed, "a header holds control characters");
    }
  }
  return {};
}

Lines lines_of(const HttpsRequest& request) {
  Lines lines;
  const auto add = [&lines](const std::string& line) {
    lines.reset(::curl_slist_append(lines.release(), line.c_str()));
  };
  add("Expect:");
  for (const auto& [name, value] : request.headers) {
    std::string line = name + ": " + value;
    add(line);
    wipe(line.data(), line.size());
  }
  return lines;
}

class Client final : public HttpsClient {
 public:
  Result<HttpsResponse> send(const HttpsRequest& request) const override {
    const auto good = check(request);
    if (good.has_error()) return good.error();
    const std::unique_ptr<CURL, EndTransfer> transfer(::curl_easy_init());
    if (!transfer) return fail(Code::unavailable, "no memory for a connection");
    const Lines lines = lines_of(request);
    Arriving arriving{.response = {}, .body_limit = request.body_limit};
    char error[CURL_ERROR_SIZE] = "";
    const auto set = [&transfer](CURLoption option, auto value) {
      return ::curl_easy_setopt(transfer.get(), option, value);
    };
    // Each of these is a promise of the header: one that this libcurl does not know is no answer.
    const bool safe = set(CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
                      set(CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                      set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2}) == CURLE_OK &&
                      set(CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
                      set(CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                      set(CURLOPT_PROXY, request.proxy.c_str()) == CURLE_OK &&
                      set(CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                      // A lookup that hangs must not be waited for after the deadline.
                      set(CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    if (!safe) return fail(Code::internal, "this libcurl is too old");
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_HTTPHEADER, lines.get());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(request.deadline.count(), 1)));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(error));
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &arriving);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &arriving);
    if (!request.ca_file.empty()) {
      set(CURLOPT_CAINFO, request.ca_file.c_str());
      // Debian's libcurl trusts a folder by default, which would still count beside the file.
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!request.client_cert_file.empty()) {
      set(CURLOPT_SSLCERT, request.client_cert_file.c_str());
      const bool apart = !request.client_key_file.empty();
      set(CURLOPT_SSLKEY, (apart ? request.client_key_file : request.client_cert_file).c_str());
    }
    if (request.cancel != nullptr) {
      set(CURLOPT_NOPROGRESS, 0L);
      set(CURLOPT_XFERINFOFUNCTION, &asked_to_end);
      set(CURLOPT_XFERINFODATA, request.cancel);
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (request.method != "GET") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
    }
    const CURLcode code = ::curl_easy_perform(transfer.get());
    if (arriving.too_large) return fail(Code::too_large, "the answer is too large");
    if (code != CURLE_OK) {
      return fail(Code::unavailable, what_happened(code, request.deadline),
                  error[0] != '\0' ? static_cast<const char*>(error) : ::curl_easy_strerror(code));
    }
    long status = 0;
    ::curl_easy_getinfo(transfer.get(), CURLINFO_RESPONSE_CODE, &status);
    arriving.response.status = static_cast<int>(status);
    return std::move(arriving.response);
  }
};

}  // namespace

std::string_view HttpsResponse::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const auto& h) { return h.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string HttpsResponse::media_type() const {
  const std::string_view value = header("content-type");
  return lower(trimmed(value.substr(0, value.find(';'))));
}

std::optional<std::chrono::seconds> HttpsResponse::max_age() const {
  std::string_view rest = header("cache-control");
  std::optional<std::chrono::seconds> age;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string directive = lower(trimmed(rest.substr(0, comma)));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (directive == "no-store" || directive == "no-cache") return std::chrono::seconds(0);
    constexpr std::string_view kMaxAge = "max-age=";
    if (!directive.starts_with(kMaxAge)) continue;
    std::uint32_t seconds = 0;
    const char* const end = directive.data() + directive.size();
    const auto read = std::from_chars(directive.data() + kMaxAge.size(), end, seconds);
    if (read.ec == std::errc() && read.ptr == end) age = std::chrono::seconds(seconds);
  }
  return age;
}

std::unique_ptr<HttpsClient> make_https_client() {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::make_unique<Client>();
}

}  // namespace countersign
