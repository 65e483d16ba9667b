// What the service keeps, as one interface: reads, and atomic batches of mutations.
#ifndef COUNTERSIGN_STORE_STORE_H_
#define COUNTERSIGN_STORE_STORE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "store/allowance.h"
#include "store/records.h"

namespace countersign::store {

// Mutations. Each fails the batch it is in, and only that batch, with the code named.
struct InsertIssuer {
  IssuerRecord issuer;
};  // same id and other DER: conflict; same row again: nothing
struct InsertRequest {
  RequestRecord request;
};  // a queued request of the name: request_exists. `approvals` are ignored.
// Takes a request from queued to `state`. Not there: not_found; no longer queued: conflict. To
// signed, where it needs several approvals and fewer are there that are for `holds`: conflict.
struct DecideRequest {
  std::string id;
  RequestState state = RequestState::denied;
  std::string reason;
  std::string decided_by;
  Timestamp at;
  std::string issuer;
  Bytes serial;
  std::string holds;  // of the approvals that count
};
// A person's word for a queued request. Not there: not_found; no longer queued: conflict. The same
// person's word for another certificate goes; for this one: already_approved. `before` others must
// have given theirs for this one: conflict.
struct AddApproval {
  std::string request;
  ApprovalRecord approval;
  std::int64_t before = 0;
};
// An unknown issuer: not_found. The serial taken: conflict. The name has a current certificate:
// certificate_exists, or revoked_exists if that one is revoked, unless `replace`: then that one is
// no longer current. The same happens without `replace` to one that was expired when the new one
// was issued, if no older one of the name, neither revoked nor expired, has outlived it (but for
// rule "service"): it can stand for nobody any more, and must not lock its machine out. With
// `renews`, the serial of a certificate of the same issuer, that one is replaced, and only that
// one: if the name stands for another by now, or for it and it is revoked, conflict.
struct InsertCertificate {
  CertificateRecord certificate;
  bool replace = false;
  Bytes renews;
};
// not_found, already_revoked.
struct RevokeCertificate {
  std::string issuer;
  Bytes serial;
  Revocation revocation;
};
// No certificate of the name is current: not_found if none was. With `serial`, that one must be the
// current one: conflict.
struct ReleaseName {
  std::string certname;
  Bytes serial;
};
struct WithdrawRequest {
  std::string certname;
  Timestamp at;
  std::string by;
};  // the queued request of the name becomes withdrawn: not_found if none
struct InsertCrl {
  CrlRecord crl;
};  // number not above the issuer's last: conflict. Older CRLs of the issuer go.
struct InsertToken {
  TokenRecord token;
};  // hash or id taken: conflict
struct RevokeToken {
  std::string id;
  Timestamp at;
};  // not_found, already_revoked
struct InsertEnrolmentToken {
  EnrolmentTokenRecord token;
};  // hash or id taken: conflict
// One certificate more. Unknown: not_found. Used up, revoked, or at or past its end: conflict.
struct RedeemEnrolmentToken {
  std::string id;
  Timestamp at;
};
struct RevokeEnrolmentToken {
  std::string id;
  Timestamp at;
};  // not_found, already_revoked
// The instance has this certificate from now on. It must have had the one with the serial
// `expected` before, and none if that is empty: conflict.
struct BindInstance {
  InstanceRecord instance;
  Bytes expected;
};
// One certificate more under a limit. `most` of them within `period`: rate_limited. What every such
// row says passes with time, and rows that say nothing any more go, two with each take.
struct TakeAllowance {
  std::string key;
  Timestamp at;
  std::int64_t most = 0;
  std::chrono::milliseconds period{0};
};
// The clock was put back: what was used at a time far ahead of `at` was used at `at`. Nothing to be
// done: nothing.
struct SettleAllowance {
  std::string key;
  Timestamp at;
  std::chrono::milliseconds period{0};
};
// `sequence` is ignored and given by the store. If `most` of the hook wait already, the oldest of
// them goes: an endpoint that is dead must neither stop the CA nor fill its disk.
struct InsertHookEvent {
  HookEventRecord event;
  std::int64_t most = 1;
};
// After an attempt that failed. not_found.
struct PostponeHookEvent {
  std::int64_t sequence = 0;
  Timestamp next_at;
  std::string error;
};
// It was delivered, or is given up. not_found.
struct RemoveHookEvent {
  std::int64_t sequence = 0;
  bool delivered = true;
};
struct AppendAudit {
  AuditRecord row;
};  // `sequence` and `hash` are ignored and given by the store
// The newest row must be at or past `sequence`, the newest checkpoint before it: conflict.
struct AppendAuditCheckpoint {
  AuditCheckpoint checkpoint;
};
// Compare and set. `expected` 0: must not exist. conflict otherwise.
struct PutDocument {
  std::string space;
  std::string key;
  std::string value;
  std::int64_t expected = 0;
};

using Mutation =
    std::variant<InsertIssuer, InsertRequest, DecideRequest, AddApproval, InsertCertificate,
                 RevokeCertificate, ReleaseName, WithdrawRequest, InsertCrl, InsertToken,
                 RevokeToken, InsertEnrolmentToken, RedeemEnrolmentToken, RevokeEnrolmentToken,
                 BindInstance, TakeAllowance, SettleAllowance, InsertHookEvent, PostponeHookEvent,
                 RemoveHookEvent, AppendAudit, AppendAuditCheckpoint, PutDocument>;
// All of it or none, in this order.
using WriteBatch = std::vector<Mutation>;

struct Document {
  std::string value;
  std::int64_t version = 0;
};

// A text test given by the caller (a regular expression, say); null: everything.
using NameFilter = std::function<bool(std::string_view)>;

// Of one name no list reads more.
inline constexpr std::size_t kMostOfAName = 1000;

enum class RequestOrder {
  arrival,
  newest_first,
  certname,  // of the queue alone: `state` is taken for queued
};

struct RequestQuery {
  std::optional<RequestState> state;
  std::optional<std::string> certname;  // of its newest kMostOfAName requests
  NameFilter match;
  std::optional<std::string> rule, profile, key;  // exactly; rule "": none decided
  NameFilter source;                              // of the address
  std::optional<Timestamp> created_before, created_after;
  RequestOrder order = RequestOrder::arrival;
  // RequestPage::next of the page before: an id, or a certname where that is the order; "" for the
  // first.
  std::string after;
  std::size_t limit = 100;  // 0 is taken for 1
};

enum class CertificateState { signed_, revoked, expired };
std::string_view to_string(CertificateState state);  // "signed", "revoked", "expired"
std::optional<CertificateState> parse_certificate_state(std::string_view text);
// revoked before expired before signed.
CertificateState state_of(const CertificateRecord& certificate, Timestamp now);

struct CertificateQuery {
  std::optional<std::string> certname;
  std::optional<CertificateState> state;
  std::optional<Timestamp> expires_from;  // at or after
  std::optional<Timestamp> expires_before;
  std::optional<bool> current;
  NameFilter match;
  std::int64_t after = 0;   // CertificatePage::next of the page before
  std::size_t limit = 100;  // 0 is taken for 1
};
// What a page looks at is bounded, so that none takes long however many rows there are: a page may
// be short, or empty, although another follows. Its cursor goes on behind the last row looked at.
struct CertificatePage {
  std::vector<CertificateRecord> rows;
  std::int64_t next = 0;  // `after` of the next page; 0: nothing follows
};
struct RequestPage {
  std::vector<RequestRecord> rows;
  std::string next;  // `after` of the next page; "": nothing follows
};

struct EnrolmentTokenQuery {
  std::optional<std::string> certname;
  NameFilter match;         // of the certname; a token for a pattern of names has none
  std::string after;        // id of the last row of the page before; "" for the first
  std::size_t limit = 100;  // 0 is taken for 1
};
struct EnrolmentTokenPage {
  std::vector<EnrolmentTokenRecord> rows;
  std::string next;  // "": nothing follows
};

struct AuditQuery {
  std::optional<std::string> subject, actor, action;  // exactly
  std::optional<Timestamp> since;
  bool newest_first = false;
  std::int64_t after = 0;   // AuditPage::next of the page before; 0 for the first
  std::size_t limit = 100;  // 0 is taken for 1
};
struct AuditPage {
  std::vector<AuditRecord> rows;
  std::int64_t next = 0;  // `after` of the next page; 0: nothing follows
};

// Does the row meet the query, but for its cursor?
bool meets(const RequestRecord& row, const RequestQuery& query);
bool meets(const CertificateRecord& row, const CertificateQuery& query, Timestamp now);
bool meets(const AuditRecord& row, const AuditQuery& query);

// A name that has had more requests than these is no reason to read them all for each new one.
inline constexpr std::size_t kRequestsLookedAt = 100;

struct Counts {
  std::int64_t queued = 0;
  std::int64_t certificates = 0;
  std::int64_t revoked = 0;
};

// Reads are thread-safe and see only what is committed and durable; they may block for a short
// while. apply() is called by one thread at a time (see Committer). A failure of the engine itself
// is unavailable.
class Store {
 public:
  virtual ~Store() = default;

  // Applies each batch atomically and makes all of them durable with one sync. One result a batch.
  // If the outcome of the sync is not known, every batch is unavailable, and so is every later
  // apply() until reopen() succeeded, which takes a write that is durable.
  virtual std::vector<Result<void>> apply(std::span<const WriteBatch> batches) = 0;
  virtual Result<void> reopen() = 0;

  virtual Result<std::vector<IssuerRecord>> issuers() const = 0;

  virtual Result<std::optional<CertificateRecord>> certificate(const std::string& issuer,
                                                               ByteView serial) const = 0;
  // By serial alone, whoever issued it.
  virtual Result<std::optional<CertificateRecord>> certificate_by_serial(ByteView serial) const = 0;
  virtual Result<std::optional<CertificateRecord>> current_certificate(
      const std::string& certname) const = 0;
  // All of the name, newest first.
  virtual Result<std::vector<CertificateRecord>> certificates_of(
      const std::string& certname) const = 0;
  // In order of insertion.
  virtual Result<CertificatePage> certificates(const CertificateQuery& query,
                                               Timestamp now) const = 0;

  // Has the name, or had it ever, a request or a certificate?
  virtual Result<bool> knows(const std::string& certname) const = 0;
  virtual Result<std::optional<RequestRecord>> request(const std::string& id) const = 0;
  virtual Result<std::optional<RequestRecord>> queued_request(
      const std::string& certname) const = 0;
  // Of the newest kRequestsLookedAt requests of the name the newest with exactly this CSR.
  virtual Result<std::optional<RequestRecord>> request_by_csr(const std::string& certname,
                                                              ByteView csr) const = 0;
  virtual Result<std::vector<RequestRecord>> requests_of(
      const std::string& certname, std::size_t limit) const = 0;  // newest first
  virtual Result<RequestPage> requests(const RequestQuery& query) const = 0;
  // Queued ones that came before, oldest first.
  virtual Result<std::vector<RequestRecord>> stale_requests(Timestamp before,
                                                            std::size_t limit) const = 0;

  // Every certificate of the issuer that is revoked and not expired at `now`, in serial order.
  virtual Result<std::vector<RevokedSerial>> revoked(const std::string& issuer,
                                                     Timestamp now) const = 0;
  // Of the issuer, those past the sequence `after`, in order of commit; at most `limit`.
  virtual Result<std::vector<RevocationRecord>> revocations(const std::string& issuer,
                                                            std::int64_t after,
                                                            std::size_t limit) const = 0;
  virtual Result<std::optional<CrlRecord>> last_crl(const std::string& issuer) const = 0;

  virtual Result<std::optional<TokenRecord>> token_by_hash(ByteView hash) const = 0;
  virtual Result<std::optional<TokenRecord>> token(const std::string& id) const = 0;
  virtual Result<std::vector<TokenRecord>> tokens() const = 0;
  virtual Result<std::optional<EnrolmentTokenRecord>> enrolment_token(
      const std::string& id) const = 0;
  virtual Result<std::optional<EnrolmentTokenRecord>> enrolment_token_by_hash(
      ByteView hash) const = 0;
  // In order of creation.
  virtual Result<EnrolmentTokenPage> enrolment_tokens(const EnrolmentTokenQuery& query) const = 0;
  // What the instance was bound to last, whatever became of that certificate.
  virtual Result<std::optional<InstanceRecord>> instance(const std::string& kind,
                                                         const std::string& subject) const = 0;
  // Empty if nothing was taken of it.
  virtual Result<Allowance> allowance(const std::string& key) const = 0;
  // Of each subject the first that waits, if it is to be tried by `now` or more than
  // kLongestHookPause after it; in order.
  virtual Result<std::vector<HookEventRecord>> due_hook_events(const std::string& hook,
                                                               Timestamp now,
                                                               std::size_t limit) const = 0;
  virtual Result<std::vector<HookTally>> hook_tallies() const = 0;  // by name
  // Rows about the subject, newest first; "" for all.
  virtual Result<std::vector<AuditRecord>> audit(const std::string& subject,
                                                 std::size_t limit) const = 0;
  virtual Result<AuditPage> audit_rows(const AuditQuery& query) const = 0;
  // Those past the row `after`, in order.
  virtual Result<std::vector<AuditCheckpoint>> audit_checkpoints(std::int64_t after,
                                                                 std::size_t limit) const = 0;
  virtual Result<std::optional<AuditCheckpoint>> last_audit_checkpoint() const = 0;
  virtual Result<std::optional<Document>> document(const std::string& space,
                                                   const std::string& key) const = 0;
  virtual Result<Counts> counts() const = 0;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_STORE_H_
