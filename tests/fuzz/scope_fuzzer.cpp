// What a credential is narrowed to: it means the same when it was stored and read again, and no
// text makes a scope that holds everything.
#include "policy/scope.h"
#include "tests/fuzz/require.h"

using countersign::policy::parse_scope_terms;
using countersign::policy::Scope;
using countersign::policy::TokenBounds;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto terms = parse_scope_terms({reinterpret_cast<const char*>(data), size});
  if (terms.has_error()) {
    require(!terms.error().detail.empty());
    return 0;
  }
  require(terms->empty() == (size == 0));
  const auto again = parse_scope_terms(to_json(*terms));
  require(again.has_value() && *again == *terms);
  const auto scope = Scope::make(*terms);
  if (scope.has_error()) return 0;
  for (const std::string& entry : terms->certnames) {
    // A name without a star is itself.
    if (entry.find('*') == std::string::npos && entry.front() != '/') {
      require((*scope)->holds(entry));
    }
  }
  TokenBounds bounds;
  bounds.certname = "no-scope.is-for-this-name-9d2f";
  require((*scope)->refusal(bounds).empty() == (*scope)->holds(bounds.certname));
  return 0;
}
