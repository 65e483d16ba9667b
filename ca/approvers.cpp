#include "ca/approvers.h"

#include <algorithm>

namespace countersign::ca {
namespace {

// Each was made by the one before, so there is no circle; a store that says otherwise was changed.
constexpr int kLongestChain = 64;

// "operator:ops1" -> "ops1"; "" where there is no name.
std::string name_in(std::string_view credential) {
  const std::size_t colon = credential.find(':');
  return std::string(colon == std::string_view::npos ? "" : credential.substr(colon + 1));
}

}  // namespace

Result<std::string> person_of(const store::Store& store, const AuthorityConfig& config,
                              std::string_view credential) {
  std::string name = name_in(credential);
  for (int length = 0; !name.empty(); ++length) {
    const auto token = store.token(name);
    if (token.has_error()) return token.error();
    if (!*token) break;
    name = length < kLongestChain ? name_in((*token)->created_by) : "";
  }
  if (name.empty()) return std::string(kUnknownPerson);
  const auto known = config.people.find(name);
  return known != config.people.end() ? known->second : name;
}

void ask_for_approvals(const AuthorityConfig& config, const Examined& request, std::int64_t most,
                       Verdict& verdict) {
  policy::Decision& decision = verdict.decision;
  if (decision.action != policy::Action::queue) return;
  const Grant all{.certname = request.certname, .names = request.csr->subject_alt_names()};
  if (!reserved(config, all).empty()) decision.approvals = std::max(decision.approvals, most);
  if (decision.approvals <= 1) return;
  const std::string text = std::to_string(decision.approvals) + " people must approve it";
  decision.reason += "; " + text;
  note(verdict, text);
}

std::int64_t approvals_needed(const AuthorityConfig& config, const store::RequestRecord& request,
                              const Grant& grant, std::int64_t most) {
  const std::int64_t needed = request.approvals_needed;
  return reserved(config, grant).empty() ? needed : std::max(needed, most);
}

std::string approvers_of(const store::RequestRecord& request, std::string_view holds,
                         std::string_view but_for, std::int64_t& count) {
  std::string names;
  count = 0;
  for (const store::ApprovalRecord& approval : request.approvals) {
    if (approval.holds != holds || approval.person == but_for) continue;
    names += (names.empty() ? "" : ", ") + approval.person;
    ++count;
  }
  return names;
}

Result<void> check_approver(const store::Store& store, const AuthorityConfig& config,
                            const store::RequestRecord& request, std::string_view holds,
                            const std::string& person) {
  if (!name_in(request.caller).empty()) {
    const auto requester = person_of(store, config, request.caller);
    if (requester.has_error()) return requester.error();
    if (*requester == person) {
      return fail(Code::forbidden, "The request for '" + request.certname + "' is of " + person +
                                       ", who submitted it; others must approve it.");
    }
  }
  for (const store::ApprovalRecord& approval : request.approvals) {
    if (approval.person != person || approval.holds != holds) continue;
    return fail(Code::already_approved, person + " has approved '" + request.certname +
                                            "' already, at " + to_rfc3339(approval.at) + " as " +
                                            approval.credential + "; another person must.");
  }
  return {};
}

}  // namespace countersign::ca
