// What a decider outside says, read strictly and held against what the rule grants.
#ifndef COUNTERSIGN_CA_DECIDER_ANSWER_H_
#define COUNTERSIGN_CA_DECIDER_ANSWER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ca/issuer.h"
#include "policy/decision.h"

namespace countersign::ca {

struct DeciderAnswer {
  policy::Action action = policy::Action::queue;
  std::string reason;  // one line of at most 500 bytes; may be empty
  // With sign: what of the rule's grant it leaves. nullopt: all.
  std::optional<std::vector<std::string>> names;       // "DNS:a.example.com"
  std::optional<std::vector<std::string>> extensions;  // short names or OIDs
};

// {"action":"sign"|"queue"|"deny", "reason":"…", "grant":{"names":[…],"extensions":[…]}}; grant and
// what is in it may be left out, and it comes with "sign" alone. malformed otherwise, also for a
// member that is not known or comes twice.
Result<DeciderAnswer> parse_decider_answer(std::string_view json);

// What is left of the rule's grant; nullopt if the answer gives something that the rule does not.
// The certname stays in any case.
std::optional<Grant> narrowed(const Grant& grant, const DeciderAnswer& answer);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_DECIDER_ANSWER_H_
