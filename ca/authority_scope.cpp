// Who may do what, and to which names and rules.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/permissions.h"
#include "ca/scoped_page.h"

namespace countersign::ca {
namespace {

// Others are about a token, a policy, or nothing, and hold what was asked of names elsewhere.
bool is_about_a_name(const store::AuditRecord& row) {
  static constexpr std::array<std::string_view, 11> kActions = {
      "issue", "queue",    "deny", "approve", "renew", "revoke",
      "clean", "withdraw", "mint", "expire",  "vote"};
  return !row.subject.empty() && std::ranges::find(kActions, row.action) != kActions.end();
}

// A member of the row's detail; "" if it is not there.
std::string detail_of(const store::AuditRecord& row, std::string_view member) {
  boost::json::error_code error;
  const boost::json::value detail = boost::json::parse(row.detail, error);
  const auto* object = error ? nullptr : detail.if_object();
  const auto* value =
      object != nullptr ? object->if_contains({member.data(), member.size()}) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace

Task<Result<void>> Authority::State::authorize(Action action, const Caller& caller) {
  if (allowed(caller, action)) co_return Result<void>();
  co_await audit_refusal(std::string(to_string(action)), caller);
  if (caller.role == Role::anonymous) {
    co_return fail(Code::unauthenticated,
                   "This needs a client certificate of an operator, or a bearer token.");
  }
  const std::string verb(to_string(action));
  if (allowed(caller.role, action)) {
    co_return fail(Code::forbidden, "A credential that is narrowed to " + caller.scope->describe() +
                                        " may not " + verb + ": that is about more.");
  }
  co_return fail(Code::forbidden,
                 "The role '" + std::string(to_string(caller.role)) + "' may not " + verb + ".");
}

Task<void> Authority::State::note_out_of_scope(Action action, const Error& error,
                                               const Caller& caller) {
  if (error.code != Code::out_of_scope) co_return;
  co_await audit_refusal(std::string(to_string(action)) + ": " + error.detail, caller);
}

Result<std::string> Authority::State::rule_of(const store::CertificateRecord& certificate) const {
  if (certificate.request_id.empty()) return certificate.rule;
  auto request = store.request(certificate.request_id);
  if (request.has_error()) return request.error();
  return *request ? (*request)->rule : certificate.rule;
}

Result<std::string> Authority::State::rule_of(const store::AuditRecord& row) const {
  if (std::string rule = detail_of(row, "rule"); !rule.empty()) return rule;
  if (const std::string id = detail_of(row, "request"); !id.empty()) {
    auto request = store.request(id);
    if (request.has_error()) return request.error();
    if (*request) return std::move((*request)->rule);
  }
  const auto serial = from_hex(row.serial);
  if (!serial || serial->empty()) return std::string();
  const auto certificate = store.certificate_by_serial(*serial);
  if (certificate.has_error()) return certificate.error();
  return *certificate ? rule_of(**certificate) : Result<std::string>(std::string());
}

Result<void> request_in_scope(const Caller& caller, const store::RequestRecord& row) {
  auto named = in_scope(caller, row.certname);
  if (named.has_error()) return named;
  return rule_in_scope(caller, row.rule);
}

Result<void> Authority::State::certificate_in_scope(const store::CertificateRecord& row,
                                                    const Caller& caller) const {
  auto named = in_scope(caller, row.certname);
  if (named.has_error() || !caller.scope || !caller.scope->narrows_rules()) return named;
  const auto rule = rule_of(row);
  if (rule.has_error()) return rule.error();
  return rule_in_scope(caller, *rule);
}

Result<store::AuditPage> Authority::State::audit_in_scope(store::AuditQuery query,
                                                          const Caller& caller) const {
  if (!caller.scope) return store.audit_rows(query);
  const std::string self = caller.describe();
  return scoped_page(
      std::move(query), [this](const store::AuditQuery& page) { return store.audit_rows(page); },
      [&](const store::AuditRecord& row) -> Result<bool> {
        if (row.actor == self) return true;
        if (!is_about_a_name(row) || !caller.scope->holds(row.subject)) return false;
        if (!caller.scope->narrows_rules()) return true;
        auto rule = rule_of(row);
        if (rule.has_error()) return rule.error();
        return caller.scope->holds_rule(*rule);
      });
}

Result<void> Authority::State::rules_in_scope(
    const std::vector<store::CertificateRecord>& certificates, const Caller& caller) const {
  if (!caller.scope || !caller.scope->narrows_rules()) return {};
  const Timestamp now = clock.now();
  for (const store::CertificateRecord& row : certificates) {
    if (!row.current && store::state_of(row, now) != store::CertificateState::signed_) continue;
    const auto rule = rule_of(row);
    if (rule.has_error()) return rule.error();
    auto within = rule_in_scope(caller, *rule);
    if (within.has_error()) return within;
  }
  return {};
}

Task<Result<void>> Authority::permit(Action action, std::vector<std::string> names, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(action, caller);
  if (permitted.has_error()) co_return permitted;
  for (const std::string& name : names) {
    const auto within = in_scope(caller, name);
    if (within.has_value()) continue;
    co_await state.note_out_of_scope(action, within.error(), caller);
    co_return within;
  }
  co_return Result<void>();
}

}  // namespace countersign::ca
