#include "ca/reuse.h"

namespace countersign::ca {

using policy::Reuse;

Result<void> settle_reuse(const store::Store& store, const Examined& request, Timestamp now,
                          Verdict& verdict) {
  if (!request.live) return {};
  const policy::Decision& decision = verdict.decision;
  const Reuse reuse = decision.reuse;
  const bool fits = reuse != Reuse::refuse &&
                    (reuse != Reuse::same_key || has_key(*request.live, request.csr->public_key()));
  if (!fits) {
    // Puppet's setting speaks where the rule does not.
    if (reuse == Reuse::refuse && request.replaces_certificate) return {};
    return name_taken(Code::certificate_exists, request.certname);
  }
  if (request.request_waits) return name_taken(Code::request_exists, request.certname);
  verdict.reuse = reuse;
  if (reuse == Reuse::queue) {
    if (decision.action == policy::Action::sign) {
      hold(verdict, "rule '" + decision.rule + "' leaves a name that is in use to a person");
    }
    return {};
  }
  auto succession = succession_of(store, *request.live, reuse, now);
  if (succession.has_error()) return succession.error();
  verdict.succession = std::move(*succession);
  note(verdict, "reuse = \"" + std::string(policy::to_string(reuse)) + "\": certificate " +
                    to_hex(request.live->serial) +
                    (reuse == Reuse::replace ? " is revoked (superseded)" : " stays valid"));
  return {};
}

void tell_of_live(const Examined& request, Verdict& verdict) {
  if (!verdict.reuse || verdict.decision.action != policy::Action::queue) return;
  verdict.decision.reason +=
      "; the name has the live certificate " + to_hex(request.live->serial) +
      (*verdict.reuse == Reuse::same_key ? ", of the same key, which an approval leaves valid"
                                         : ", which an approval revokes (superseded)");
}

}  // namespace countersign::ca
