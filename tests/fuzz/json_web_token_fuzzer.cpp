// Tokens and key sets. The first line is a key set, the rest a token: whatever both are, a token
// counts only by an asymmetric algorithm and a key of the set.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "ca/json_web_token.h"
#include "ca/token_identity.h"
#include "tests/fuzz/require.h"

using namespace countersign;
using namespace countersign::ca;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text({data, size});
  const std::size_t end = input.find('\n');
  const auto keys = JsonWebKeySet::parse(input.substr(0, end));
  const auto token = JsonWebToken::parse(end == input.npos ? input : input.substr(end + 1));
  if (token.has_error()) return 0;
  static const Timestamp now{std::chrono::seconds(1'790'000'000)};
  if (token->check_claims("https://issuer.example.com", "a", std::chrono::hours(24), now)
          .has_value()) {
    require(token->issuer() == "https://issuer.example.com");
    require(token->issued_at() <= now + JsonWebToken::kLeeway);
  }
  for (const auto& identity : {read_gcp_claims(*token), read_kubernetes_claims(*token),
                               read_oidc_claims(*token, "gitlab")}) {
    if (identity.has_error()) continue;
    require(!identity->subject.empty());
    for (const auto& [name, value] : identity->claims) {
      require(!value.empty() && value.size() <= 256);
    }
  }
  if (keys.has_error()) return 0;
  require(keys->size() > 0 && keys->size() <= JsonWebKeySet::kMaxKeys);
  if (token->verify_signature(*keys).has_value()) {
    require(!keys->candidates(token->kid()).empty());
  }
  return 0;
}
