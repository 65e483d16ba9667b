#include "store/sqlite/row_body.h"

#include "store/sqlite/connection.h"
#include "store/sqlite/row_fields.h"

namespace countersign::store {
namespace {

// The first field. Another form is another number, so that old rows stay readable.
constexpr std::int64_t kAlone = 1;
constexpr std::int64_t kWithRequest = 2;
constexpr std::int64_t kRequest = 1;
constexpr std::int64_t kAudit = 1;

// Those that the certificate does not have already, and those that may differ from it.
void write_request(FieldWriter& out, Timestamp base, const RequestRecord& r) {
  out.bytes(r.csr);
  out.text(r.rule);
  out.text(r.profile);
  out.text(r.key);
  out.text(r.names);
  out.text(r.reason);
  out.text(r.trace);
  out.text(r.grant);
  out.text(r.source);
  out.text(r.caller);
  out.text(r.token);
  out.text(r.identity);
  out.text(r.reuse);
  out.optional_time_from(base, r.retry_at);
  out.integer(r.approvals_needed);
  out.time_from(base, r.created_at);
  out.optional_time_from(base, r.decided_at);
  out.text(r.decided_by);
}

void read_request(FieldReader& in, Timestamp base, RequestRecord& r) {
  r.csr = in.blob();
  r.rule = in.text();
  r.profile = in.text();
  r.key = in.text();
  r.names = in.text();
  r.reason = in.text();
  r.trace = in.text();
  r.grant = in.text();
  r.source = in.text();
  r.caller = in.text();
  r.token = in.text();
  r.identity = in.text();
  r.reuse = in.text();
  r.retry_at = in.optional_time_from(base);
  r.approvals_needed = in.integer();
  r.created_at = in.time_from(base);
  r.decided_at = in.optional_time_from(base);
  r.decided_by = in.text();
}

[[noreturn]] void corrupt() { throw SqliteError(SQLITE_CORRUPT, "a body of an unknown form"); }

}  // namespace

Bytes certificate_body(const CertificateRecord& certificate, const RequestRecord* request) {
  const CertificateRecord& c = certificate;
  FieldWriter out;
  out.integer(request == nullptr ? kAlone : kWithRequest);
  out.time(c.issued_at);
  out.time_from(c.issued_at, c.not_before);
  out.id(c.request_id);
  out.bytes(c.der);
  out.text(c.profile);
  out.text(c.rule);
  out.text(c.key);
  out.text(c.names);
  if (request != nullptr) write_request(out, c.issued_at, *request);
  return out.take();
}

std::optional<RequestRecord> read_certificate_body(ByteView plain, CertificateRecord& certificate) {
  CertificateRecord& c = certificate;
  FieldReader in(plain);
  const std::int64_t form = in.integer();
  if (form != kAlone && form != kWithRequest) corrupt();
  c.issued_at = in.time();
  c.not_before = in.time_from(c.issued_at);
  c.request_id = in.id();
  c.der = in.blob();
  c.profile = in.text();
  c.rule = in.text();
  c.key = in.text();
  c.names = in.text();
  std::optional<RequestRecord> request;
  if (form == kWithRequest) {
    request.emplace();
    request->id = c.request_id;
    request->certname = c.certname;
    request->state = RequestState::signed_;
    request->issuer = c.issuer;
    request->serial = c.serial;
    read_request(in, c.issued_at, *request);
  }
  in.end();
  return request;
}

Bytes request_body(const RequestRecord& request) {
  const RequestRecord& r = request;
  FieldWriter out;
  out.integer(kRequest);
  out.bytes(r.csr);
  out.text(r.names);
  out.text(r.trace);
  out.text(r.grant);
  out.text(r.caller);
  out.text(r.token);
  out.text(r.identity);
  return out.take();
}

void read_request_body(ByteView plain, RequestRecord& request) {
  RequestRecord& r = request;
  FieldReader in(plain);
  if (in.integer() != kRequest) corrupt();
  r.csr = in.blob();
  r.names = in.text();
  r.trace = in.text();
  r.grant = in.text();
  r.caller = in.text();
  r.token = in.text();
  r.identity = in.text();
  in.end();
}

Bytes audit_body(const AuditRecord& row, bool with_subject) {
  FieldWriter out;
  out.integer(kAudit);
  out.text(row.actor);
  out.text(row.source);
  out.hexadecimal(row.request_id);
  out.hexadecimal(row.serial);
  out.text(with_subject ? row.subject : std::string());
  out.text(row.detail);
  return out.take();
}

void read_audit_body(ByteView plain, AuditRecord& row) {
  FieldReader in(plain);
  if (in.integer() != kAudit) corrupt();
  const auto fill = [](std::string& field, std::string text) {
    if (field.empty()) field = std::move(text);
  };
  fill(row.actor, in.text());
  fill(row.source, in.text());
  fill(row.request_id, in.hexadecimal());
  fill(row.serial, in.hexadecimal());
  fill(row.subject, in.text());
  fill(row.detail, in.text());
  in.end();
}

}  // namespace countersign::store
