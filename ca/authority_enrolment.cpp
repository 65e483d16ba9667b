// Enrolment tokens: minted, listed, ended.
#include <algorithm>

#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/enrolment.h"
#include "ca/request_id.h"
#include "ca/scoped_page.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kLongestLabel = 256;
constexpr std::size_t kMostTokens = 10'000;
constexpr std::int64_t kMostUses = 1'000'000;

Result<void> check_order(const Authority::EnrolmentOrder& order, const AuthorityConfig& config) {
  if (order.tokens.empty() || order.tokens.size() > kMostTokens) {
    return fail(Code::malformed, "One call makes 1 to 10000 tokens.");
  }
  if (order.uses < 1 || order.uses > kMostUses) {
    return fail(Code::malformed, "A token is good for 1 to 1000000 certificates.");
  }
  if (order.label.size() > kLongestLabel) {
    return fail(Code::malformed, "A label has at most 256 bytes.");
  }
  for (const policy::TokenBounds& bounds : order.tokens) {
    if (!bounds.profile.empty() && !config.profiles.contains(bounds.profile)) {
      return fail(Code::malformed, "There is no profile '" + bounds.profile + "'.");
    }
    if (order.uses > 1 && !bounds.certname.empty()) {
      return fail(Code::malformed,
                  "A token for one name is good for one certificate. Several uses are for a "
                  "pattern of names.");
    }
  }
  return check_lifetime(order.lifetime);
}

// Within what the minter is narrowed to. Whoever is narrowed to rules makes tokens for those alone.
Result<void> narrow(const Caller& caller, std::vector<policy::TokenBounds>& tokens) {
  if (!caller.scope) return {};
  for (policy::TokenBounds& bounds : tokens) {
    if (bounds.rules.empty()) bounds.rules = caller.scope->terms().rules;
    for (const std::string& rule : bounds.rules) {
      if (caller.scope->holds_rule(rule)) continue;
      return fail(Code::out_of_scope, "This credential is narrowed to " + caller.scope->describe() +
                                          ", and cannot make tokens for the rule '" + rule + "'.");
    }
    const std::string why = caller.scope->refusal(bounds);
    if (!why.empty()) {
      return fail(Code::out_of_scope, "This credential cannot make such a token: " + why + ".");
    }
  }
  return {};
}

// Could the caller have made it?
bool covers(const Caller& caller, const store::EnrolmentTokenRecord& token) {
  if (!caller.scope) return true;
  const auto bounds = policy::parse_token_bounds(token.bounds);
  if (bounds.has_error() || !caller.scope->refusal(*bounds).empty()) return false;
  const auto held = [&](const std::string& rule) { return caller.scope->holds_rule(rule); };
  return !caller.scope->narrows_rules() ||
         (!bounds->rules.empty() && std::ranges::all_of(bounds->rules, held));
}

}  // namespace

Task<Result<std::vector<Authority::NewEnrolmentToken>>> Authority::mint_enrolment_tokens(
    EnrolmentOrder order, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::mint, caller);
  if (permitted.has_error()) co_return permitted.error();
  const auto good = check_order(order, state.config);
  if (good.has_error()) co_return good.error();
  const auto within = narrow(caller, order.tokens);
  if (within.has_error()) {
    co_await state.note_out_of_scope(Action::mint, within.error(), caller);
    co_return within.error();
  }
  // By a clock that is ahead they would live for as long as it is.
  const auto right = state.clock_check.check();
  if (right.has_error()) co_return right.error();
  std::vector<NewEnrolmentToken> made;
  made.reserve(order.tokens.size());
  store::WriteBatch batch;
  const Timestamp now = state.clock.now();
  for (const policy::TokenBounds& bounds : order.tokens) {
    NewEnrolmentToken one;
    one.secret = std::string(kEnrolmentPrefix) + to_base64url(state.random.bytes(kSecretBytes));
    one.token.id = new_request_id(now, state.random);
    one.token.hash = x509::sha256(as_bytes(one.secret));
    one.token.certname = bounds.certname;
    one.token.bounds = policy::to_json(bounds);
    one.token.label = order.label;
    one.token.uses = order.uses;
    one.token.created_by = caller.describe();
    one.token.created_at = now;
    one.token.expires_at = now + order.lifetime;
    batch.push_back(store::InsertEnrolmentToken{one.token});
    batch.push_back(
        store::AppendAudit{state.audit("mint", caller, one.token.certname,
                                       {{"token", one.token.id},
                                        {"bounds", one.token.bounds},
                                        {"uses", std::to_string(one.token.uses)},
                                        {"expires_at", to_rfc3339(one.token.expires_at)},
                                        {"label", order.label}})});
    made.push_back(std::move(one));
  }
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  co_return made;
}

Task<Result<store::EnrolmentTokenPage>> Authority::enrolment_tokens(
    store::EnrolmentTokenQuery query, Caller caller) {
  State& state = *state_;
  using Page = store::EnrolmentTokenPage;
  co_return co_await state.guarded(Action::read_all, caller, [&]() -> Result<Page> {
    if (!caller.scope) return state.store.enrolment_tokens(query);
    return scoped_page(
        query,
        [&](const store::EnrolmentTokenQuery& page) { return state.store.enrolment_tokens(page); },
        [&](const store::EnrolmentTokenRecord& row) -> Result<bool> {
          return covers(caller, row);
        });
  });
}

Task<Result<void>> Authority::revoke_enrolment_token(std::string id, Caller caller) {
  State& state = *state_;
  // Only of one that is there: another kind of token is the other call's business.
  const auto known = co_await state.guarded(Action::mint, caller, [&]() -> Result<void> {
    const auto token = state.store.enrolment_token(id);
    if (token.has_error()) return token.error();
    if (!*token || covers(caller, **token)) return {};
    return fail(Code::out_of_scope,
                "The token is outside of what this credential is narrowed to: " +
                    caller.scope->describe() + ".");
  });
  if (known.has_error()) co_return known.error();
  store::WriteBatch batch;
  batch.push_back(store::RevokeEnrolmentToken{id, state.clock.now()});
  batch.push_back(store::AppendAudit{state.audit("revoke enrolment token", caller, id, {})});
  co_return co_await state.committer.commit(std::move(batch));
}

}  // namespace countersign::ca
