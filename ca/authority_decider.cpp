// The part of deciders outside in the life of a request.
#include "ca/authority_state.h"
#include "ca/decider.h"
#include "ca/foreign_text.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kLongestInTrace = 200;

// "the decider 'x' says deny: not in the inventory".
std::string word_of(const std::string& decider, const DeciderAnswer& answer,
                    const std::string& reason) {
  return "the decider '" + decider + "' says " + std::string(to_string(answer.action)) +
         (reason.empty() ? "" : ": " + reason);
}

// Only ever narrows the verdict, which is to sign.
void apply(const std::string& decider, const DeciderAnswer& answer, Verdict& verdict) {
  verdict.decider = word_of(decider, answer, answer.reason);
  note(verdict, word_of(decider, answer, one_line(answer.reason, kLongestInTrace)));
  if (answer.action == policy::Action::sign) {
    auto left = narrowed(verdict.grant, answer);
    if (left) {
      verdict.grant = std::move(*left);
      verdict.decision.reason += "; " + verdict.decider;
    } else {
      hold(verdict, "the decider '" + decider + "' answered more than the rule grants");
    }
  } else if (answer.action == policy::Action::queue) {
    hold(verdict, verdict.decider);
  } else {
    verdict.decision.action = policy::Action::deny;
    verdict.decision.reason = verdict.decider;
  }
}

}  // namespace

Task<Result<void>> Authority::State::ask_decider(const Examined& request, const Caller& caller,
                                                 std::optional<DeciderWord>& said,
                                                 Verdict& verdict) {
  const std::string name = verdict.decision.ask;
  const auto found = deciders.find(name);
  if (found == deciders.end()) {
    // The configuration changed under the policy: cannot be, as both are read at the start.
    hold(verdict, "there is no decider '" + name + "'");
    co_return Result<void>();
  }
  Decider& decider = *found->second;
  DeciderQuestion question =
      decider_question(request, verdict, caller, decider.settings().send_csr);
  if (!said || said->question != question.json) {
    const auto answer = co_await decider.ask(question);
    if (answer.has_error()) {
      if (answer.error().code == Code::overloaded) co_return answer.error();
      verdict.decider = "the decider '" + name + "' gave no answer: " + answer.error().detail;
      note(verdict, verdict.decider);
      // Not a person's business but if it stays so: the machine's next try asks again.
      verdict.retry_at = clock.now() + decider.settings().pause;
      hold(verdict, verdict.decider + "; asked again from " + to_rfc3339(*verdict.retry_at) +
                        " on, it may be signed");
      co_return Result<void>();
    }
    said = DeciderWord{};
    said->question = std::move(question.json);
    said->answer = *answer;
  }
  apply(name, said->answer, verdict);
  co_return Result<void>();
}

std::vector<DeciderStatus> Authority::deciders() const {
  std::vector<DeciderStatus> list;
  for (const auto& [name, decider] : state_->deciders) list.push_back(decider->status());
  return list;
}

}  // namespace countersign::ca
