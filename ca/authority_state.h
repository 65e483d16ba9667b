// What the parts of Authority share. Internal to ca/.
#ifndef COUNTERSIGN_CA_AUTHORITY_STATE_H_
#define COUNTERSIGN_CA_AUTHORITY_STATE_H_

#include <atomic>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ca/audit_checkpointer.h"
#include "ca/authority.h"
#include "ca/certificate_row.h"
#include "ca/clock_check.h"
#include "ca/decider.h"
#include "ca/expirations.h"
#include "ca/hooks.h"
#include "ca/identity_providers.h"
#include "ca/live_policy.h"
#include "ca/refusal_budget.h"
#include "ca/verdict.h"

namespace countersign::ca {

struct Authority::State {
  State(AuthorityConfig configuration, std::unique_ptr<Issuer> ca, store::Store& rows,
        const Clock& time, const Random& randomness);

  // Constant after construction.
  const AuthorityConfig config;
  const std::unique_ptr<Issuer> issuer;
  store::Store& store;
  const Clock& clock;
  const Random& random;

  const Timestamp started;

  const std::shared_ptr<const HttpsClient> https;

  // Own synchronisation. The pools come last, so that their threads end before what they use.
  store::Committer committer;
  LivePolicy policy;
  IdentityProviders identities;
  CrlPublisher crl;
  ClockCheck clock_check;  // constant after construction
  AuditCheckpointer checkpoints;
  RefusalBudget refusals;
  ExpirationsReader expirations;
  std::atomic<std::uint64_t> revocations{0};
  std::atomic<bool> stopping{false};
  std::atomic<bool> reload_wanted{false};
  // Callers who wait for the audit to grow. Shared: a coroutine may outlive this.
  const std::shared_ptr<std::atomic<std::size_t>> watchers =
      std::make_shared<std::atomic<std::size_t>>(0);
  // One replay at a time. Shared: a coroutine may outlive this.
  const std::shared_ptr<std::atomic<bool>> replaying = std::make_shared<std::atomic<bool>>(false);
  std::map<std::string, std::unique_ptr<Decider>> deciders;  // constant after construction
  Hooks hooks;
  WorkerPool programs;  // each waits for a site's own program: at most 8 at once
  WorkerPool pool;
  // Apart, so that no flood of requests keeps a revocation from being published.
  WorkerPool housekeeping;

  // From now on a policy that changes too much is refused (authority_policy.cpp).
  void guard_policy();

  const Profile& profile(const std::string& name) const;
  std::string new_id() const;  // 26 characters, rising with time
  store::AuditRecord audit(std::string action, const Caller& caller, std::string subject,
                           std::initializer_list<std::pair<std::string_view, std::string>> detail,
                           std::string serial = {}) const;

  // Writes the audit row of a refused call, as far as the budget goes.
  Task<void> audit_refusal(std::string what, const Caller& caller, std::string subject = {});
  // unauthenticated or forbidden, and audited, if the table says no.
  Task<Result<void>> authorize(Action action, const Caller& caller);

  // Asks for the keys when they are due, until the authority stops.
  Task<void> keep_keys(JsonWebKeySource* source);
  // Audits an error of the code out_of_scope, and no other.
  Task<void> note_out_of_scope(Action action, const Error& error, const Caller& caller);
  // Every live certificate of these, and the one that the name stands for, must be within the rules
  // of a caller who is narrowed to some. Blocks for reads.
  Result<void> rules_in_scope(const std::vector<store::CertificateRecord>& certificates,
                              const Caller& caller) const;
  // out_of_scope unless name and rule are within. Blocks for a read.
  Result<void> certificate_in_scope(const store::CertificateRecord& row,
                                    const Caller& caller) const;
  // Of the audit, what is about names and rules within, and what the caller did. Blocks for reads.
  Result<store::AuditPage> audit_in_scope(store::AuditQuery query, const Caller& caller) const;
  // The rule that the certificate goes back to, over approval and renewals. Blocks for a read.
  Result<std::string> rule_of(const store::CertificateRecord& certificate) const;
  // The rule that an audit row says, or its request, or its certificate; "" if none does.
  Result<std::string> rule_of(const store::AuditRecord& row) const;

  // Where work is done: on the pool, or on the thread that asks, for what takes less time than the
  // way to the pool and back (docs/decisions/0019-work-on-session-threads.md).
  enum class Where { pool, here };
  template <class Work>
  auto run(Where where, Work work, Lane lane = Lane::goes_on) -> Task<decltype(work())> {
    if (where == Where::here) co_return work();
    co_return co_await pool.run(std::move(work), lane);
  }
  Where signs_where() const { return issuer->signs_quickly() ? Where::here : Where::pool; }
  // Commits what was signed. A signature that takes long is not worth a sync of its own where
  // others are being made.
  Task<Result<void>> commit_signed(store::WriteBatch batch) {
    using Round = store::Committer::Round;
    const bool more_comes = signs_where() == Where::pool && pool.in_use() > 0;
    return committer.commit(std::move(batch), more_comes ? Round::longest : Round::of_loop);
  }

  // Runs `read` after the check of the caller; on the pool unless told otherwise.
  template <class Read>
  auto guarded(Action action, Caller caller, Read read) -> Task<decltype(read())> {
    return guarded(Where::pool, action, std::move(caller), std::move(read));
  }
  template <class Read>
  auto guarded(Where where, Action action, Caller caller, Read read, Lane lane = Lane::goes_on)
      -> Task<decltype(read())> {
    const auto permitted = co_await authorize(action, caller);
    if (permitted.has_error()) co_return permitted.error();
    auto outcome = co_await run(where, std::move(read), lane);
    if (outcome.has_error()) co_await note_out_of_scope(action, outcome.error(), caller);
    co_return outcome;
  }

  // The row of a certificate that somebody presents outside a handshake: forbidden if it is not of
  // this issuer by key id and signature; denied if it is expired, revoked or unknown.
  Result<store::CertificateRecord> live_row(const x509::Certificate& presented) const;

  // What a decider said of a question: a later round of the same submission asks nothing twice.
  struct DeciderWord {
    std::string question;
    DeciderAnswer answer;
  };
  // Has the rule's decider agree to a verdict to sign, or turns it to queue or deny. overloaded:
  // there is no room to ask, and the machine shall try again, not wait for a person.
  Task<Result<void>> ask_decider(const Examined& request, const Caller& caller,
                                 std::optional<DeciderWord>& said, Verdict& verdict);

  // A request before anything outside was asked about it.
  struct Judged {
    Examined request;
    Verdict verdict;       // none if request.repeated answers, or keys are to be fetched first
    bool program = false;  // does Puppet's autosign run one?
    std::int64_t most_approvals = 1;  // that any rule wants
  };
  // Reads the store by keys, and verifies one signature or two.
  Result<Judged> judge(const Submission& submission, const Caller& caller, bool keys_fetched) const;

  // Signs if the verdict says so, and stores the request with its outcome.
  Task<Result<Submitted>> carry_out(const Examined& request, const Verdict& verdict,
                                    const Caller& caller);

  // not_found; out_of_scope; conflict if it waits no more.
  Result<store::RequestRecord> waiting_request(const std::string& id, const Caller& caller) const;
  // What an approval of a request would sign, as things are now.
  struct Approvable {
    std::shared_ptr<const x509::Csr> csr;
    Grant grant;
    Succession succession;
    std::string holds;  // the content of the certificate, as an approval is kept for it
    std::int64_t needed = 1;
    std::optional<store::BindInstance> binding;  // of the machine that a cloud vouched for
  };
  // The reason if it would be refused. The request is within the caller's scope. Blocks for reads
  // of the store.
  Result<Approvable> approvable(const store::RequestRecord& request, Approval approval,
                                const Caller& caller) const;
  struct Vote;
  // already_approved, forbidden: see check_approver().
  Result<Vote> vote(const store::RequestRecord& request, const Approvable& what,
                    const Caller& caller) const;
  // `crowded`: others approved at the same time; another round may go well.
  Task<Result<Submitted>> approve_once(const std::string& request_id, const Approval& approval,
                                       const Caller& caller, bool& crowded);

  // Housekeeping: publishes a CRL if one is due and the clock can be right.
  Result<void> publish_if_due();
  // Housekeeping: takes requests that waited for too long out of the queue, some at a time.
  Result<void> expire_stale();
  void expire(const store::RequestRecord& request, const Caller& by, Timestamp now,
              store::WriteBatch& batch) const;

  // A certificate made and not yet stored.
  struct Signed {
    store::CertificateRecord row;
    std::shared_ptr<const x509::Certificate> certificate;
  };
  // Stores it in its place among those of its name, and revokes what it supersedes.
  void add_certificate(store::WriteBatch& batch, store::CertificateRecord row,
                       const Succession& succession, const Caller& caller) const;
  void conclude(store::RequestRecord& request, const Signed& made, const Approvable& what,
                const Vote& voted, const Caller& caller, Timestamp now,
                store::WriteBatch& batch) const;
  // After the commit of `count` revocations: connections and the CRL shall know.
  void revoked(std::size_t count);
  Result<Signed> sign(const Grant& grant, const Profile& profile, const x509::Csr& csr,
                      std::string rule, std::string request_id) const;
};

// out_of_scope unless the caller's scope covers its name and the rule that decided.
Result<void> request_in_scope(const Caller& caller, const store::RequestRecord& row);

// malformed unless it is absent, or above 0 and at most 50 years (Puppet's own bound): so that no
// sum of times overflows.
Result<void> check_lifetime(const std::optional<std::chrono::seconds>& lifetime);

// What hooks are told of an outcome.
inline HookSubject subject_of(const Submitted& outcome) {
  HookSubject subject;
  subject.request = &outcome.request;
  if (outcome.certificate) subject.certificate = &*outcome.certificate;
  return subject;
}

// not_found with `detail` if there is no row.
template <class T>
Result<T> required(Result<std::optional<T>> found, const char* detail) {
  if (found.has_error()) return found.error();
  if (!*found) return fail(Code::not_found, detail);
  return std::move(**found);
}

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AUTHORITY_STATE_H_
