// The rows that the service keeps. Bytes and strings only: the store knows no X.509.
#ifndef COUNTERSIGN_STORE_RECORDS_H_
#define COUNTERSIGN_STORE_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace countersign::store {

// A CA whose certificates and CRLs are kept here. `id` is its key id (SKI) in hex.
struct IssuerRecord {
  std::string id;
  std::string name;   // CN, for people
  Bytes certificate;  // DER
  bool operator==(const IssuerRecord&) const = default;
};

struct Revocation {
  Timestamp at;
  int reason = 0;  // CRLReason
  bool operator==(const Revocation&) const = default;
};

struct CertificateRecord {
  std::string issuer;  // IssuerRecord::id
  Bytes serial;        // unsigned, big-endian, no leading zero
  std::string certname;
  Bytes der;  // empty: known from the inventory or CRL of the CA that was taken over, never current
  Timestamp not_before;
  Timestamp not_after;
  std::string profile;
  std::string rule;        // the rule that granted it, or "operator", "service"
  std::string request_id;  // "" if there was no request
  std::string key;         // "ec:P-256"
  std::string names;       // every SAN, "DNS:a, IP:b"
  Timestamp issued_at;
  // Does the certname stand for this certificate? At most one certificate of a name is current; a
  // clean or a replacement ends it.
  bool current = true;
  std::optional<Revocation> revocation;
  bool operator==(const CertificateRecord&) const = default;
};

// expired: nobody decided it in time.
enum class RequestState { queued, signed_, denied, withdrawn, expired };
// "queued", "signed", "denied", "withdrawn", "expired"
std::string_view to_string(RequestState state);
std::optional<RequestState> parse_request_state(std::string_view text);

// The word of one person for a request that needs the word of several.
struct ApprovalRecord {
  std::string person;      // who; nobody counts twice
  std::string credential;  // by which of his credentials, "operator:ops1"
  std::string holds;       // the certificate that he was shown, as JSON: it counts for no other
  Timestamp at;
  bool operator==(const ApprovalRecord&) const = default;
};

struct RequestRecord {
  std::string id;  // 26 characters, sorts by time of arrival, cannot be guessed
  std::string certname;
  Bytes csr;  // DER
  RequestState state = RequestState::queued;
  std::string rule;    // that decided, "" for the default
  std::string reason;  // why it waits or was refused
  std::string trace;   // JSON, see policy/decision.h
  std::string grant;   // JSON of what the queueing rule grants, "" if it says nothing
  std::string profile;
  std::string source;  // IP address
  std::string caller;  // who submitted
  std::string key;     // "ec:P-256"
  std::string names;   // SANs asked for, "DNS:a, IP:b"
  std::string token;   // id of the enrolment token that was used up, "" if none was
  // JSON of what the identity document of the machine proved, see ca/presented_identity.h. "": none
  // came.
  std::string identity;
  // The name had a live certificate: what an approval does with that one ("queue", "replace",
  // "same_key", see policy/reuse.h). "": the name was free.
  std::string reuse;
  // It waits for a limit alone: asked again from then on, it is decided anew.
  std::optional<Timestamp> retry_at;
  std::int64_t approvals_needed = 1;      // people who must approve it
  std::vector<ApprovalRecord> approvals;  // so far, oldest first; none where one is enough
  Timestamp created_at;
  std::optional<Timestamp> decided_at;
  std::string decided_by;
  std::string issuer;  // of the certificate, when signed
  Bytes serial;        // of the certificate, when signed
  bool operator==(const RequestRecord&) const = default;
};

// A CRL either whole, in `der`, or (`der` empty) by what its entries do not tell: it holds the
// issuer's revocations up to `through`, without those up to `dropped_through` whose certificate
// ended before `dropped_before`, in order of sequence.
struct CrlRecord {
  std::string issuer;
  std::uint64_t number = 0;
  Timestamp this_update;
  Timestamp next_update;
  Bytes der = {};
  Bytes signature = {};
  std::int64_t through = 0;
  std::int64_t dropped_through = 0;
  Timestamp dropped_before = {};
  bool operator==(const CrlRecord&) const = default;
};

struct RevokedSerial {
  Bytes serial;
  Revocation revocation;
  bool operator==(const RevokedSerial&) const = default;
};

// One revocation in the order in which they were committed.
struct RevocationRecord {
  std::int64_t sequence = 0;  // given by the store, rising
  Bytes serial;
  Timestamp not_after;  // of the certificate
  Revocation revocation;
  bool operator==(const RevocationRecord&) const = default;
};

struct TokenRecord {
  std::string id;    // public handle
  Bytes hash;        // SHA-256 of the secret; the secret is not kept
  std::string role;  // "pipeline", "operator", "auditor", "admin"
  std::string label;
  std::string scope = {};  // JSON of what it is narrowed to, "" if to nothing: policy/scope.h
  std::string created_by;
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> revoked_at;
  bool operator==(const TokenRecord&) const = default;
};

// The right to enrol, for a machine that has no other credential yet.
struct EnrolmentTokenRecord {
  std::string id;        // public handle, sorts by time of creation
  Bytes hash;            // SHA-256 of the secret; the secret is not kept
  std::string certname;  // the one name that it is for, "" if it is for a pattern of names
  std::string bounds;    // JSON, see policy/enrolment_token.h
  std::string label;
  std::int64_t uses = 1;  // certificates that it is good for
  std::int64_t used = 0;
  std::string created_by;
  Timestamp created_at;
  Timestamp expires_at;
  std::optional<Timestamp> revoked_at;
  bool operator==(const EnrolmentTokenRecord&) const = default;
};

// Nobody puts a try off for longer: one that is further away was put off by a clock that was ahead.
inline constexpr std::chrono::hours kLongestHookPause{24};

// What a hook is still to be told.
struct HookEventRecord {
  std::int64_t sequence = 0;  // given by the store, rising
  std::string id;             // by which the receiver tells a repetition
  std::string hook;
  std::string subject;  // certname
  std::string event;    // "queued", "approved", …
  std::string body;     // JSON
  Timestamp created_at;
  std::int64_t attempts = 0;
  Timestamp next_at;       // not to be tried before
  std::string last_error;  // of the last attempt
  bool operator==(const HookEventRecord&) const = default;
};

// What became of a hook's events.
struct HookTally {
  std::string hook;
  std::int64_t waiting = 0;
  std::int64_t delivered = 0;
  std::int64_t given_up = 0;        // tried for too long
  std::int64_t dropped = 0;         // the oldest, as too many waited
  std::optional<Timestamp> oldest;  // of those that wait
  std::string last_error;           // of that one
  bool operator==(const HookTally&) const = default;
};

// A machine of a cloud, and the certificate that it has for what the cloud says of it.
struct InstanceRecord {
  std::string kind;     // of cloud: "aws"
  std::string subject;  // the one instance of that kind
  Bytes key_sha256;     // of the SPKI of the key that it came with
  std::string certname;
  std::string issuer;  // of the certificate
  Bytes serial;        // of the certificate
  Timestamp bound_at;
  bool operator==(const InstanceRecord&) const = default;
};

// One link of the chain of audit_chain.h.
struct AuditRecord {
  std::int64_t sequence = 0;  // given by the store, rising from 1
  Timestamp at;
  std::string action;      // "issue", "approve", "deny", "revoke", "clean", "refuse", …
  std::string actor;       // who
  std::string source;      // IP address
  std::string subject;     // certname, token id, …
  std::string serial;      // hex, or ""
  std::string detail;      // JSON object
  std::string request_id;  // of the HTTP request
  Bytes hash;              // given by the store; empty in rows from before there was a chain
  bool operator==(const AuditRecord&) const = default;
};

// What the CA's audit key says of the chain: up to this row, it was this.
struct AuditCheckpoint {
  std::int64_t sequence = 0;
  Bytes hash;  // of that row
  Timestamp at;
  std::string key;  // hex of the key's identifier, for people: the signature alone proves something
  Bytes signature;  // over checkpoint_content() of audit_chain.h
  bool operator==(const AuditCheckpoint&) const = default;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_RECORDS_H_
