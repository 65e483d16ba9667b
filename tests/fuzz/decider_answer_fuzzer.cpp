// Whatever a decider answers: it is refused as malformed, or its reason is one short line and what
// it leaves of a grant is a part of that grant with the certname in it.
#include <algorithm>
#include <string>

#include "ca/decider_answer.h"
#include "policy/facts.h"
#include "tests/fuzz/require.h"
#include "x509/extension.h"

namespace ca = countersign::ca;
namespace x509 = countersign::x509;

namespace {

ca::Grant rule_grant() {
  ca::Grant grant;
  grant.certname = "web-1";
  grant.names = {{x509::GeneralName::Type::dns, "web-1"},
                 {x509::GeneralName::Type::dns, "www"},
                 {x509::GeneralName::Type::ip, "10.0.0.1"}};
  grant.extensions = {
      x509::utf8_extension(countersign::policy::oid_of("pp_role"), "web"),
      x509::utf8_extension(countersign::policy::oid_of("pp_environment"), "production")};
  return grant;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ca::Grant grant = rule_grant();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = ca::parse_decider_answer(text);
  if (answer.has_error()) {
    require(answer.error().code == countersign::Code::malformed);
    return 0;
  }
  require(answer->reason.size() <= 500);
  for (const char c : answer->reason) require(static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  if (answer->action != countersign::policy::Action::sign) {
    require(!answer->names && !answer->extensions);
  }
  const auto left = ca::narrowed(grant, *answer);
  if (!left) return 0;
  require(left->certname == grant.certname && !left->privileged && !left->validity);
  require(!left->names.empty() && left->names.front().value == grant.certname);
  for (const auto& name : left->names) {
    require(std::ranges::any_of(grant.names, [&](const auto& one) {
      return x509::to_string(one) == x509::to_string(name);
    }));
  }
  for (const auto& extension : left->extensions) {
    require(std::ranges::find(grant.extensions, extension.oid, &x509::Extension::oid) !=
            grant.extensions.end());
  }
  return 0;
}
