// Who counts as one person among those who approve, and how many of them a request needs.
// docs/decisions/0013-approvals.md has the reasons.
#ifndef COUNTERSIGN_CA_APPROVERS_H_
#define COUNTERSIGN_CA_APPROVERS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "ca/authority.h"
#include "ca/verdict.h"

namespace countersign::ca {

// All whose token has no creator that is known. No certname is like it.
inline constexpr std::string_view kUnknownPerson = "(unknown)";

// The person behind a credential, given as Caller::describe() has it: the certname of a client
// certificate, or, of a token, that of whoever stands at the beginning of the tokens that made it;
// then whoever the configuration says has this certname. Blocks for reads of the store.
Result<std::string> person_of(const store::Store& store, const AuthorityConfig& config,
                              std::string_view credential);

// Of a request that is to wait: how many must approve it, told in its reason and its trace. What
// no rule may sign (see reserved()) needs `most`, the most that the policy asks for: or one person
// would make himself a second operator.
void ask_for_approvals(const AuthorityConfig& config, const Examined& request, std::int64_t most,
                       Verdict& verdict);
// How many must approve this certificate for it: what it was put into the queue with, or more if it
// is reserved and the policy has become stricter.
std::int64_t approvals_needed(const AuthorityConfig& config, const store::RequestRecord& request,
                              const Grant& grant, std::int64_t most);

// Those whose approval is for this certificate, but for this person: "alice, bob". Counts them.
std::string approvers_of(const store::RequestRecord& request, std::string_view holds,
                         std::string_view but_for, std::int64_t& count);

// Why this person's approval does not count: already_approved, or forbidden as the request is his
// own. Only where several must approve.
Result<void> check_approver(const store::Store& store, const AuthorityConfig& config,
                            const store::RequestRecord& request, std::string_view holds,
                            const std::string& person);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_APPROVERS_H_
