// The clouds whose word counts here, and a document held against them.
#ifndef COUNTERSIGN_CA_IDENTITY_PROVIDERS_H_
#define COUNTERSIGN_CA_IDENTITY_PROVIDERS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/https_client.h"
#include "ca/identity.h"
#include "ca/identity_settings.h"
#include "ca/json_web_key_source.h"

namespace countersign::ca {

// Does the text begin as a document does: "aws:", "azure:", "jwt:"?
bool is_identity_document(std::string_view text);

// What became of a document.
struct Verification {
  std::string provider;              // NAME of the [identity.NAME] that verified it
  std::optional<Identity> identity;  // nullopt: it was refused
  std::string problem;               // why it was refused: a sentence
  bool fresh = false;                // no older than the provider's max_age
  JsonWebKeySource* keys = nullptr;  // a fetch of these may verify what was refused
};

// Thread-safe.
class IdentityProviders {
 public:
  // Reads every file that is named; throws std::runtime_error with what is wrong: start-up only.
  // `client` asks for keys.
  IdentityProviders(const std::vector<IdentitySettings>& settings,
                    const std::shared_ptr<const HttpsClient>& client, const Clock& clock);
  ~IdentityProviders();

  // Some 100 us of work; waits for nothing.
  Verification verify(std::string_view document) const;

  // Reads changed files of keys and certificates anew. Blocks.
  void reload_if_changed();
  std::vector<JsonWebKeySource*> key_sources() const;

 private:
  class Provider;
  const Clock& clock_;
  std::vector<std::unique_ptr<Provider>> providers_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_IDENTITY_PROVIDERS_H_
