// The bounds of a token: what is read means the same when it was stored and read again, and no text
// makes a token without a name.
#include "policy/enrolment_token.h"
#include "tests/fuzz/require.h"

using countersign::policy::Facts;
using countersign::policy::parse_token_bounds;
using countersign::policy::refusal;
using countersign::policy::to_json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bounds = parse_token_bounds({reinterpret_cast<const char*>(data), size});
  if (bounds.has_error()) {
    require(!bounds.error().detail.empty());
    return 0;
  }
  require(bounds->certname.empty() != bounds->certname_regex.empty());
  const auto again = parse_token_bounds(to_json(*bounds));
  require(again.has_value() && *again == *bounds);
  Facts facts;
  facts.certname = "no-token.is-for-this-name-9d2f";
  facts.names = {{"dns", "x"}, {"ip", "192.0.2.1"}, {"uri", "y"}};
  const std::string why = refusal(*bounds, facts);
  require(refusal(*again, facts) == why);
  if (bounds->certname != facts.certname && !bounds->certname.empty()) require(!why.empty());
  return 0;
}
