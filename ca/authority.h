// The certificate authority: what every front end calls. It alone decides, signs and stores.
#ifndef COUNTERSIGN_CA_AUTHORITY_H_
#define COUNTERSIGN_CA_AUTHORITY_H_

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/https_client.h"
#include "base/random.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "ca/caller.h"
#include "ca/crl_publisher.h"
#include "ca/decider_settings.h"
#include "ca/expirations.h"
#include "ca/hook_settings.h"
#include "ca/identity_settings.h"
#include "ca/issuer.h"
#include "ca/limits.h"
#include "ca/policy_reload.h"
#include "ca/profile.h"
#include "ca/replay.h"
#include "ca/standing.h"
#include "policy/cidr.h"
#include "policy/enrolment_token.h"
#include "policy/rule_set.h"
#include "store/committer.h"
#include "store/store.h"
#include "x509/csr.h"

namespace countersign::ca {

template <class T>
using Task = boost::asio::awaitable<T>;

struct PuppetSettings {
  bool enabled = true;
  enum class Autosign { unset, none, all, file } autosign = Autosign::unset;
  std::filesystem::path autosign_file;  // list or executable, looked at for every request
  std::chrono::seconds autosign_deadline{10};
  bool allow_duplicate_certs = false;
  bool allow_subject_alt_names = false;
  bool allow_authorization_extensions = false;
  bool allow_auto_renewal = false;
  std::chrono::seconds auto_renewal_cert_ttl = std::chrono::days(90);
  std::optional<std::chrono::seconds> ca_ttl;  // instead of the profile's validity
  // Certnames, one a line, whose revocations agents are told of in place of all; empty: of all.
  std::filesystem::path infra_inventory;
  // Are connections from `trusted_proxies` those of TLS terminators, which say by X-Client-*
  // headers who their client is?
  bool allow_header_cert_info = false;
  std::vector<policy::Cidr> trusted_proxies;
  std::vector<std::string> renewal_proxies;  // certnames that may renew for others
};

struct AuthorityConfig {
  std::map<std::string, DeciderSettings> deciders;  // that rules may `ask`, by name
  std::map<std::string, HookSettings> hooks;        // by name
  std::map<std::string, Profile> profiles;          // "agent" and "server" always exist
  std::filesystem::path policy_file;                // empty: the default decides alone
  // A reload that would decide more of the last day's requests otherwise, in percent, is refused
  // until it is forced; nullopt: none is.
  std::optional<int> policy_guard_percent;
  PuppetSettings puppet;
  // Certnames that have a role without pp_cli_auth; never signed by rule. What `standings` says of
  // one goes before pp_cli_auth, and before `operators`.
  std::vector<std::string> operators;
  std::vector<IdentitySettings> identities;  // clouds whose word counts; names differ
  // Asks issuers for keys, and deciders, and tells hooks; null: make_https_client().
  std::shared_ptr<const HttpsClient> https_client;
  Standings standings;
  // Whose certname it is, where a person has several or goes by another name.
  std::map<std::string, std::string> people;
  std::vector<std::string> hostnames;  // of the service: never signed by rule, as CN or SAN
  // A request that waited for so long expires; nullopt: never.
  std::optional<std::chrono::seconds> queue_expire_after = std::chrono::days(30);
  std::chrono::seconds crl_delay{2};  // revoked -> published
  std::chrono::seconds crl_lifetime = std::chrono::days(7);
  // PEM of the CRLs above ours, in chain order. Newer ones that were uploaded count instead.
  std::string root_crl;
  // Signs checkpoints of the audit (see audit_checkpointer.h); null: none are made.
  std::shared_ptr<const x509::Signer> audit_key;
  std::int64_t audit_checkpoint_rows = 1000;
  std::chrono::seconds audit_checkpoint_interval = std::chrono::minutes(5);
  std::size_t workers = 2;
  std::size_t work_limit = 4096;
  // What the store says of the time is not believed at the start: the clock was wrong before.
  bool accept_clock = false;
};

// A CSR as a front end decoded it.
struct Submission {
  std::string csr;      // PEM or DER as it came
  std::string name;     // from the path; "" where the wire form has none
  bool puppet = false;  // [puppet] rules for names that exist, and [puppet] autosign, apply
  Secret token;         // enrolment token that came beside the CSR; empty: look for one in it
  Secret identity;      // identity document, the same
};

struct Submitted {
  store::RequestRecord request;
  std::optional<store::CertificateRecord> certificate;  // when signed
  bool repeated = false;  // the same CSR was there already; nothing was decided or stored
  // Of an approval: so many other people must give theirs before it is signed.
  std::int64_t approvals_missing = 0;
};

// Stands for a request and for all that an approval would make of it.
using Etag = std::array<std::uint8_t, 32>;

// What an approval may give beyond the certname. `validity` over 50 years or not above 0:
// malformed.
struct Approval {
  bool subject_alt_names = true;          // those asked for, DNS and IP
  bool authorization_extensions = false;  // pp_authorization, pp_auth_role; never pp_cli_auth
  bool reserved_names = false;            // what rules never sign: see verdict.h
  // Asked in Puppet's protocol: a refusal is worded as Puppet's own CA words it, and
  // auto_renewal_cert_ttl, where it applies, goes before `validity`.
  bool puppet = false;
  std::optional<std::chrono::seconds> validity;
  std::optional<Etag> if_match;  // conflict unless Preview::etag is still this
};

// What an approval would do now.
struct Preview {
  std::int64_t approvals_needed = 1;
  std::optional<Error> refusal;  // it would be refused, and nothing below is known
  Grant grant;
  std::string profile;
  std::chrono::seconds validity{0};
  std::vector<Bytes> revokes;            // serials of live certificates that it would end
  std::vector<std::string> approved_by;  // whose approvals count for this certificate
  std::optional<Error> not_by_caller;    // others may approve it, but he may not, or not again
  Etag etag{};
};

struct Explanation {
  policy::Decision decision;  // after names in use and limits
  std::vector<LimitUse> limits;
  std::string certname;
  std::optional<policy::PresentedToken> token;  // that would come with it
  std::optional<policy::Nearest> nearest;       // what would have to change for another outcome
};

struct Health {
  bool ready = false;
  std::vector<std::string> problems;  // for people: what is wrong
  std::vector<std::string> warnings;  // what is wrong and keeps nobody from being served
  std::string policy_error;           // of the last reload, "" if it was good
  std::size_t policy_rules = 0;
  bool audit_kept = true;  // checkpoints are signed, and the audit was whole since the start
};

struct DeciderStatus;  // see decider.h

// Thread-safe. Every coroutine may be awaited on any executor; work runs on the pool.
//
// Authorization: each call takes the Caller and checks the table of permissions.h itself; a refusal
// is unauthenticated or forbidden, and is audited within a budget (see refusal_budget.h). A caller
// who is narrowed gets out_of_scope, audited alike, for what is about another name or rule; of
// lists he gets what is within. A page of such a list may be short although more follows.
class Authority {
 public:
  // Checks the store against the issuer (issuer row, last CRL number), loads the policy. Throws
  // std::runtime_error with what to do if anything does not fit: start-up only.
  Authority(AuthorityConfig config, std::unique_ptr<Issuer> issuer, store::Store& store,
            const Clock& clock, const Random& random);
  ~Authority();

  // Publishes CRLs, signs checkpoints of the audit, watches the policy's files and delivers to
  // hooks, until stop() was called. Spawn it once.
  Task<void> run();
  void stop();
  // Signs a checkpoint over every row that is there, once hooks have ended. Blocks; for the end of
  // a service.
  Result<void> close_audit();

  Task<Result<Submitted>> submit(Submission submission, Caller caller);
  // Signs; or, where several people must approve and more are missing, keeps this one's word and
  // leaves the request in the queue. Nobody counts twice: already_approved; nor who submitted it:
  // forbidden.
  Task<Result<Submitted>> approve(std::string request_id, Approval approval, Caller caller);
  // Needs the right to read everything.
  Task<Result<Preview>> preview(store::RequestRecord request, Approval approval, Caller caller);
  // A reason of 1 to 1024 bytes: malformed otherwise.
  Task<Result<store::RequestRecord>> deny(std::string request_id, std::string reason,
                                          Caller caller);

  // A new certificate for the name and key of `old`, which the caller has shown to hold; `old`
  // stays valid. The validity is [puppet] auto_renewal_cert_ttl. not_granted if renewal is off;
  // forbidden if `old` is not of this issuer; denied if it is expired, revoked or unknown, or its
  // name does not stand for its key any more; bad_key if the key has become too weak.
  Task<Result<store::CertificateRecord>> renew(std::shared_ptr<const x509::Certificate> old,
                                               Caller caller);

  // Already revoked: already_revoked, nothing is changed.
  Task<Result<store::CertificateRecord>> revoke(Bytes serial, x509::RevocationReason reason,
                                                Caller caller);
  // Every certificate of the name that is neither revoked nor expired, also one that a renewal
  // makes meanwhile. How many were revoked now; not_found if the name never had a certificate, or
  // stands for none and all that it had have expired.
  Task<Result<std::size_t>> revoke_name(std::string certname, x509::RevocationReason reason,
                                        Caller caller);
  // Revokes (if `revoke`) and frees the name; a queued request of it is withdrawn too if
  // `requests`. not_found if there is nothing of that name.
  struct Clean {
    bool revoke = true;
    bool requests = true;
    x509::RevocationReason reason = x509::RevocationReason::cessation_of_operation;
  };
  Task<Result<void>> clean(std::string certname, Clean what, Caller caller);

  // Reads; each checks the caller.
  Task<Result<store::RequestRecord>> request(std::string id, Caller caller);
  Task<Result<store::RequestRecord>> queued_request(std::string certname, Caller caller);
  Task<Result<store::RequestPage>> requests(store::RequestQuery query, Caller caller);
  Task<Result<store::CertificateRecord>> certificate(Bytes serial, Caller caller);
  Task<Result<store::CertificateRecord>> current_certificate(std::string certname, Caller caller);
  Task<Result<std::vector<store::CertificateRecord>>> certificates_of(std::string certname,
                                                                      Caller caller);
  Task<Result<store::CertificatePage>> certificates(store::CertificateQuery query, Caller caller);
  Task<Result<std::vector<store::HookTally>>> hooks(Caller caller);
  Task<Result<std::vector<store::AuditRecord>>> history(std::string subject, std::size_t limit,
                                                        Caller caller);
  // Of the chain and of the CRLs that are served.
  Task<Result<Expirations>> expirations(Caller caller);
  Task<Result<store::AuditPage>> audit(store::AuditQuery query, Caller caller);
  // As audit(), oldest first; while there is no row, waits for one, `wait` long and at most 30 s.
  // `next` is where to go on, even if nothing follows. overloaded if 64 callers wait.
  Task<Result<store::AuditPage>> watch_audit(store::AuditQuery query,
                                             std::chrono::milliseconds wait, Caller caller);
  Task<Result<std::vector<store::AuditCheckpoint>>> audit_checkpoints(std::int64_t after,
                                                                      std::size_t limit,
                                                                      Caller caller);
  // What would be decided if this were submitted from the address `source`.
  Task<Result<Explanation>> explain(Submission submission, std::string source, Caller caller);
  // Decides stored requests again by another policy and changes nothing. Ten thousand a call, in
  // pages between which other work goes on. malformed with the errors of the policy, which may read
  // no list but those of the policy in force; overloaded while another replay runs.
  Task<Result<Replay>> replay(ReplayOrder order, Caller caller);

  // Takes the newer ones of the CRLs of the CAs above, as PEM, and serves them from now on.
  // malformed in Puppet's words (contract 1.6) if one cannot be read, or the chain would not hold
  // with them.
  Task<Result<void>> upload_crls(std::string pem, Caller caller);

  // The secret is in `secret` of the answer and nowhere else.
  struct NewToken {
    store::TokenRecord token;
    std::string secret;
  };
  // A lifetime as in Approval, a label of at most 256 bytes, a scope that is good for the role (an
  // admin is never narrowed): malformed otherwise.
  Task<Result<NewToken>> create_token(std::string role, std::string label,
                                      std::optional<std::chrono::seconds> lifetime, Caller caller,
                                      policy::ScopeTerms scope = {});
  Task<Result<std::vector<store::TokenRecord>>> tokens(Caller caller);
  Task<Result<void>> revoke_token(std::string id, Caller caller);

  // Rights to enrol, all of one call or none; each secret is in the answer and nowhere else. 1 to
  // 10,000 of them; `uses` over 1 only for patterns of names; a label of at most 256 bytes:
  // malformed otherwise.
  struct EnrolmentOrder {
    std::vector<policy::TokenBounds> tokens;
    std::int64_t uses = 1;  // certificates that each is good for
    std::chrono::seconds lifetime = std::chrono::days(1);
    std::string label;
  };
  struct NewEnrolmentToken {
    store::EnrolmentTokenRecord token;
    std::string secret;
  };
  Task<Result<std::vector<NewEnrolmentToken>>> mint_enrolment_tokens(EnrolmentOrder order,
                                                                     Caller caller);
  Task<Result<store::EnrolmentTokenPage>> enrolment_tokens(store::EnrolmentTokenQuery query,
                                                           Caller caller);
  // not_found, already_revoked.
  Task<Result<void>> revoke_enrolment_token(std::string id, Caller caller);

  // The bearer of a token: unauthenticated if it is unknown, expired or revoked.
  Task<Result<Caller>> identify_token(std::string secret, std::string source,
                                      std::string request_id);
  // The bearer of a client certificate that the TLS layer verified.
  Caller identify_certificate(const x509::Certificate& certificate, std::string source,
                              std::string request_id) const;
  // The client that a trusted TLS terminator has verified and names. With its certificate, what
  // that gives: forbidden if it is not of this issuer by key id and signature; denied if it is
  // expired, revoked or unknown. Without one (null) an agent at most; denied if no certificate of
  // that name is live.
  Task<Result<Caller>> identify_forwarded(std::string certname,
                                          std::shared_ptr<const x509::Certificate> certificate,
                                          std::string source, std::string request_id);
  // For the TLS layer, during the handshake: is it ours and neither revoked nor unknown? Blocks for
  // one read of the store.
  bool trusted(const x509::Certificate& certificate) const;
  // Rises with every revocation: a kept connection asks trusted() again when it changed.
  std::uint64_t revocations() const;

  // May the caller do this to all of these names? The same errors as of the call itself, audited.
  // For what is about many names: nothing is begun that would be refused half-way.
  Task<Result<void>> permit(Action action, std::vector<std::string> names, Caller caller);
  // Writes the audit row of a call that a front end refused by itself, within the same budget.
  Task<void> audit_refusal(std::string what, Caller caller);

  const std::string& chain_pem() const;
  Timestamp started() const;  // the chain is the same since then
  // One text for all who ask: a CRL can be large, and its readers slow.
  std::shared_ptr<const std::string> crl_pem() const;  // ours, then those above
  std::shared_ptr<const std::string> crl_der() const;  // ours alone, as bytes
  CrlFigures crl_figures() const;
  Timestamp crl_this_update() const;  // of ours
  // What Puppet's agents get: as crl_pem(), or with the infra CRL in place of ours; and since when.
  ServedCrls agents_crls() const;

  // A certificate for the service itself: key and chain as PEM. Revokes nothing.
  Task<Result<std::shared_ptr<const x509::Certificate>>> issue_service_certificate(
      const x509::PublicKey& key);

  // Takes the policy file as it is now. malformed if it is wrong; conflict if the guard refuses it
  // (see AuthorityConfig). Blocks.
  Result<void> reload_policy();
  // The same, soon, by run(); the outcome is in the log and in health(). From any thread.
  void request_reload();
  // The same, told and audited; a refusal is in the answer. `force` takes what the guard refused
  // before, if it is still the same; what has changed since is judged anew.
  Task<Result<PolicyReload>> reload_policy(ReloadOrder order, Caller caller);
  Health health() const;
  std::vector<DeciderStatus> deciders() const;
  Task<Result<store::Counts>> counts(Caller caller);
  Task<Result<std::vector<store::HookTally>>> hook_tallies();  // without a check; numbers alone
  const AuthorityConfig& config() const;
  const Clock& clock() const;
  std::size_t work_in_use() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AUTHORITY_H_
