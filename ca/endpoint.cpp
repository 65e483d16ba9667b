#include "ca/endpoint.h"

#include "base/file_system.h"

namespace countersign::ca {

Result<HttpsRequest> post_to(const Endpoint& endpoint, std::string json) {
  constexpr std::size_t kLongestToken = 8192;
  HttpsRequest request;
  request.method = "POST";
  request.url = endpoint.url;
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = std::move(json);
  request.ca_file = endpoint.ca_file;
  request.client_cert_file = endpoint.client_cert_file;
  request.client_key_file = endpoint.client_key_file;
  if (!endpoint.token_file.empty()) {
    auto token = system_files().read(endpoint.token_file, kLongestToken);
    if (token.has_error()) {
      return fail(Code::unavailable, "its token file cannot be read", token.error().detail);
    }
    while (token->ends_with('\n') || token->ends_with('\r')) token->pop_back();
    request.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  return request;
}

}  // namespace countersign::ca
