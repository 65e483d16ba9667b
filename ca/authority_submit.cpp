// The life of a request, from bytes to a stored outcome. docs/architecture.md numbers the same
// steps.
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "ca/approval.h"
#include "ca/authority.h"
#include "ca/authority_state.h"
#include "ca/external_program.h"
#include "ca/facts.h"
#include "policy/puppet_autosign.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kAutosignListBytes = 64U << 20U;

// A request that was read and may go on.
struct Examined {
  std::shared_ptr<const x509::Csr> csr;
  std::string certname;
  policy::Facts facts;
  std::optional<Submitted> repeated;  // it was here before: this is the answer
  bool replaces_certificate = false;  // allow_duplicate_certs, and there is one
  bool replaces_request = false;
  std::optional<store::RequestRecord> denied_before;  // by policy, the same CSR
};

// What is to become of it.
struct Verdict {
  policy::Decision decision;
  Grant grant;                   // for sign
  std::string by;                // the rule's name, "puppet autosign", …
  std::optional<Error> refusal;  // stored as queued, answered with this (Puppet contract 2.2)
};

Result<std::shared_ptr<const x509::Csr>> read_csr(const Submission& submission) {
  auto csr = x509::Csr::parse_pem(submission.csr);
  if (csr.has_error()) return csr.error();
  const auto key = x509::check_key((*csr)->public_key());
  if (key.has_error()) return key.error();
  const auto possession = (*csr)->verify_possession();
  if (possession.has_error()) return possession.error();
  return csr;
}

Error name_taken(Code code, const std::string& certname) {
  const char* what = code == Code::request_exists       ? "requested"
                     : code == Code::certificate_exists ? "signed"
                                                        : "revoked";
  return fail(code,
              certname + " already has a " + what + " certificate; ignoring certificate request");
}

// The same CSR again gets the same answer, as long as that answer still stands.
Result<void> find_repeated(const store::Store& store, Examined& request) {
  auto before = store.request_by_csr(request.csr->sha256());
  if (before.has_error()) return before.error();
  if (!*before || (*before)->certname != request.certname) return {};
  store::RequestRecord& row = **before;
  switch (row.state) {
    case store::RequestState::queued:
      request.repeated = Submitted{std::move(row), std::nullopt, true};
      break;
    case store::RequestState::signed_: {
      auto certificate = store.certificate(row.issuer, row.serial);
      if (certificate.has_error()) return certificate.error();
      if (*certificate && (*certificate)->current && !(*certificate)->revocation) {
        request.repeated = Submitted{std::move(row), std::move(**certificate), true};
      }
      break;
    }
    case store::RequestState::denied:
      // A person's word stands; a rule's is asked for again, for the policy may have changed.
      if (row.decided_by == "policy") {
        request.denied_before = std::move(row);
      } else {
        request.repeated = Submitted{std::move(row), std::nullopt, true};
      }
      break;
    case store::RequestState::withdrawn:
      break;
  }
  return {};
}

// Fills what the store knows of the name. The constraints of the store decide in the end; this is
// for a good answer and for policy.
Result<void> look_up_name(const store::Store& store, bool duplicates, Timestamp now,
                          Examined& request) {
  const auto current = store.current_certificate(request.certname);
  if (current.has_error()) return current.error();
  if (*current) {
    request.facts.has_live_certificate =
        store::state_of(**current, now) == store::CertificateState::signed_;
    if (!duplicates) {
      return name_taken((*current)->revocation ? Code::revoked_exists : Code::certificate_exists,
                        request.certname);
    }
    request.replaces_certificate = true;
  }
  const auto queued = store.queued_request(request.certname);
  if (queued.has_error()) return queued.error();
  if (*queued) {
    if (!duplicates) return name_taken(Code::request_exists, request.certname);
    request.replaces_request = true;
  }
  return {};
}

Result<Examined> examine(const store::Store& store, const Submission& submission,
                         const Caller& caller, const AuthorityConfig& config, Timestamp now) {
  auto csr = read_csr(submission);
  if (csr.has_error()) return csr.error();
  auto certname = certname_of(**csr, submission.name);
  if (certname.has_error()) return certname.error();
  Examined request{.csr = std::move(*csr), .certname = std::move(*certname)};
  request.facts = facts_of(*request.csr, caller.source);
  const auto repeated = find_repeated(store, request);
  if (repeated.has_error()) return repeated.error();
  if (request.repeated) return request;
  const bool duplicates = submission.puppet && config.puppet.allow_duplicate_certs;
  const auto known = look_up_name(store, duplicates, now, request);
  if (known.has_error()) return known.error();
  return request;
}

// Puppet's autosign, for a request that no rule matched. True: it would sign. Blocks.
Result<bool> puppet_autosign(const PuppetSettings& settings, const std::string& certname,
                             const std::string& body, std::string& reason) {
  using Autosign = PuppetSettings::Autosign;
  if (settings.autosign == Autosign::all) return true;
  if (settings.autosign != Autosign::file) return false;
  const std::string& path = settings.autosign_file.native();
  if (::access(path.c_str(), F_OK) != 0) {
    reason = "the autosign file does not exist";
    return false;
  }
  if (::access(path.c_str(), X_OK) == 0) {
    const auto ran = run_program(path, certname, body, settings.autosign_deadline);
    if (ran.has_error()) return ran.error();
    if (!ran->error_output.empty()) {
      log::warn("autosign_program_stderr", {{"certname", certname}, {"stderr", ran->error_output}});
    }
    if (ran->exit_code == 0) return true;
    reason = "rejected by the autosign program, exit code " + std::to_string(ran->exit_code);
    log::warn("autosign_program_rejected", {{"certname", certname}, {"exit_code", ran->exit_code}});
    return false;
  }
  const auto text = system_files().read(path, kAutosignListBytes);
  if (text.has_error()) return text.error();
  const auto list = policy::AutosignList::parse(*text);
  for (const std::string& line : list.invalid()) {
    log::error("autosign_pattern_invalid", {{"file", path}, {"line", line}});
  }
  if (list.matches(certname)) return true;
  reason = "not in the autosign list";
  return false;
}

// Turns an autosign "yes" into a grant, or into Puppet's refusal with the request kept.
void apply_autosign(const PuppetSettings& settings, const Examined& request, Verdict& verdict) {
  auto grant =
      grant_of_approval(*request.csr, request.certname,
                        {.subject_alt_names = settings.allow_subject_alt_names,
                         .authorization_extensions = settings.allow_authorization_extensions,
                         .validity = settings.ca_ttl});
  verdict.by = "puppet autosign";
  if (grant.has_error()) {
    verdict.decision.reason = grant.error().detail;
    verdict.refusal = grant.error();
    return;
  }
  verdict.decision.action = policy::Action::sign;
  verdict.decision.reason = "puppet autosign";
  verdict.grant = std::move(*grant);
}

Verdict decide(const policy::RuleSet& rules, const Examined& request,
               const AuthorityConfig& config) {
  Verdict verdict;
  verdict.decision = rules.decide(request.facts);
  verdict.by = verdict.decision.rule;
  if (verdict.decision.action == policy::Action::sign) {
    verdict.grant = grant_of_rule(*request.csr, request.certname, verdict.decision.granted);
    verdict.grant.validity = config.puppet.ca_ttl;
  }
  return verdict;
}

// Nobody becomes the service itself by rule: who holds its name can answer in its place.
void hold_reserved_name(const AuthorityConfig& config, const Examined& request, Verdict& verdict) {
  if (verdict.decision.action != policy::Action::sign) return;
  if (std::ranges::find(config.hostnames, request.certname) == config.hostnames.end()) return;
  verdict.decision.action = policy::Action::queue;
  verdict.decision.reason = "this is a name of the CA service itself; only an operator can sign it";
}

store::RequestRecord request_row(const Examined& request, const Verdict& verdict,
                                 const Caller& caller, std::string id, Timestamp now) {
  store::RequestRecord row;
  row.id = std::move(id);
  row.certname = request.certname;
  row.csr = to_bytes(request.csr->der());
  row.csr_sha256 = request.csr->sha256();
  row.rule = verdict.by;
  row.reason = verdict.decision.reason;
  row.trace = policy::trace_to_json(verdict.decision.trace);
  if (verdict.decision.action == policy::Action::queue && verdict.decision.has_grant) {
    row.grant = granted_to_json(verdict.decision.granted);
  }
  row.profile = verdict.decision.profile;
  row.source = caller.source;
  row.caller = caller.describe();
  row.key = x509::to_string(request.csr->public_key().spec());
  row.names = names_text(request.csr->subject_alt_names());
  row.created_at = now;
  return row;
}

}  // namespace

Task<Result<Submitted>> Authority::submit(Submission submission, Caller caller) {
  State& state = *state_;
  const auto permitted = co_await state.authorize(Action::submit, caller);
  if (permitted.has_error()) co_return permitted.error();

  // A second round only if another submission of the same name came in between.
  for (int round = 0;; ++round) {
    // 1. Parse, prove possession, check the key and the name; 2. what the store knows; 3. decide.
    Verdict verdict;
    auto examined = co_await state.pool.run([&]() -> Result<Examined> {
      auto request = examine(state.store, submission, caller, state.config, state.clock.now());
      if (request.has_error() || request->repeated) return request;
      verdict = decide(*state.policy.current(), *request, state.config);
      return request;
    });
    if (examined.has_error()) co_return examined.error();
    if (examined->repeated) co_return std::move(*examined->repeated);
    const Examined& request = *examined;

    // 4. Puppet's autosign for what no rule matched. It may wait for a program, so it has threads
    // of its own; whatever goes wrong there queues the request.
    const auto& puppet = state.config.puppet;
    const bool ask_autosign = verdict.decision.rule.empty() && submission.puppet &&
                              puppet.autosign != PuppetSettings::Autosign::unset;
    if (ask_autosign) {
      std::string reason = "puppet autosign is off";
      const auto yes = co_await state.programs.run(
          [&] { return puppet_autosign(puppet, request.certname, submission.csr, reason); });
      verdict.decision.action = policy::Action::queue;
      verdict.decision.reason = yes.has_error() ? yes.error().detail : reason;
      verdict.by = "puppet autosign";
      if (yes.has_error()) {
        log::warn("autosign_failed",
                  {{"certname", request.certname}, {"error", yes.error().detail}});
      } else if (*yes) {
        apply_autosign(puppet, request, verdict);
      }
    }
    hold_reserved_name(state.config, request, verdict);

    const bool denied = verdict.decision.action == policy::Action::deny;
    if (denied && request.denied_before && request.denied_before->rule == verdict.by) {
      // Nothing new: no row, so that a denied machine that tries for ever does not fill the store.
      co_return Submitted{*request.denied_before, std::nullopt, true};
    }

    // 5. Prepare, lint, sign. 6. One atomic batch; nothing leaves before it is durable.
    Submitted outcome;
    outcome.request = request_row(request, verdict, caller, state.new_id(), state.clock.now());
    store::WriteBatch batch;
    if (request.replaces_request) {
      batch.push_back(
          store::WithdrawRequest{request.certname, outcome.request.created_at, caller.describe()});
    }
    std::string action = "queue";
    std::string serial;
    if (verdict.decision.action == policy::Action::sign) {
      auto made = co_await state.pool.run([&] {
        return state.sign(verdict.grant, state.profile(verdict.decision.profile), *request.csr,
                          verdict.by, outcome.request.id);
      });
      if (made.has_error()) co_return made.error();
      outcome.request.state = store::RequestState::signed_;
      outcome.request.issuer = made->row.issuer;
      outcome.request.serial = made->row.serial;
      outcome.certificate = made->row;
      batch.push_back(store::InsertCertificate{std::move(made->row), request.replaces_certificate});
      action = "issue";
      serial = to_hex(outcome.request.serial);
    } else if (denied) {
      outcome.request.state = store::RequestState::denied;
      action = "deny";
    }
    if (outcome.request.state != store::RequestState::queued) {
      outcome.request.decided_at = outcome.request.created_at;
      outcome.request.decided_by = "policy";
    }
    batch.push_back(store::InsertRequest{outcome.request});
    batch.push_back(store::AppendAudit{state.audit(action, caller, request.certname,
                                                   {{"rule", verdict.by},
                                                    {"reason", verdict.decision.reason},
                                                    {"names", outcome.request.names}},
                                                   serial)});
    const auto stored = co_await state.committer.commit(std::move(batch));
    if (stored.has_value()) {
      if (verdict.refusal) co_return *verdict.refusal;
      co_return outcome;
    }
    const Code code = stored.error().code;
    const bool raced = code == Code::request_exists || code == Code::certificate_exists ||
                       code == Code::revoked_exists || code == Code::conflict ||
                       code == Code::not_found;
    if (!raced || round > 0) {
      if (raced && code != Code::conflict && code != Code::not_found) {
        co_return name_taken(code, request.certname);
      }
      co_return stored.error();
    }
  }
}

Task<Result<Explanation>> Authority::explain(std::string csr, std::string source, Caller caller) {
  State& state = *state_;
  co_return co_await state.guarded(Action::explain, caller, [&]() -> Result<Explanation> {
    auto parsed = read_csr({.csr = csr, .name = "", .puppet = false});
    if (parsed.has_error()) return parsed.error();
    auto certname = certname_of(**parsed, "");
    if (certname.has_error()) return certname.error();
    policy::Facts facts = facts_of(**parsed, source);
    const auto current = state.store.current_certificate(*certname);
    if (current.has_error()) return current.error();
    facts.has_live_certificate = *current && store::state_of(**current, state.clock.now()) ==
                                                 store::CertificateState::signed_;
    return Explanation{state.policy.current()->decide(facts), *certname};
  });
}

}  // namespace countersign::ca
