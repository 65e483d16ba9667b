#include "store/sqlite/schema.h"

#include <array>

namespace countersign::store {
namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE issuers (
  id INTEGER PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  certificate BLOB NOT NULL
);
CREATE TABLE certificates (
  id INTEGER PRIMARY KEY,
  issuer_id INTEGER NOT NULL REFERENCES issuers(id),
  serial BLOB NOT NULL,
  certname TEXT NOT NULL,
  der BLOB NOT NULL,
  not_before INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  profile TEXT NOT NULL,
  rule TEXT NOT NULL,
  request_id TEXT NOT NULL,
  key TEXT NOT NULL,
  names TEXT NOT NULL,
  issued_at INTEGER NOT NULL,
  current INTEGER NOT NULL,
  revoked_at INTEGER,
  revoked_reason INTEGER
);
CREATE UNIQUE INDEX certificates_serial ON certificates (serial, issuer_id);
CREATE INDEX certificates_certname ON certificates (certname);
CREATE UNIQUE INDEX certificates_current ON certificates (certname) WHERE current = 1;
CREATE INDEX certificates_crl ON certificates
  (issuer_id, serial, not_after, revoked_at, revoked_reason) WHERE revoked_at IS NOT NULL;
CREATE INDEX certificates_revoked ON certificates (id) WHERE revoked_at IS NOT NULL;
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  certname TEXT NOT NULL,
  csr BLOB NOT NULL,
  csr_sha256 BLOB NOT NULL,
  state TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  trace TEXT NOT NULL,
  permitted TEXT NOT NULL,
  profile TEXT NOT NULL,
  source TEXT NOT NULL,
  caller TEXT NOT NULL,
  key TEXT NOT NULL,
  names TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by TEXT NOT NULL,
  issuer TEXT NOT NULL,
  serial BLOB NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX requests_queued ON requests (certname) WHERE state = 'queued';
CREATE INDEX requests_state ON requests (state, id);
CREATE INDEX requests_csr ON requests (csr_sha256);
CREATE INDEX requests_certname ON requests (certname);
CREATE TABLE crls (
  issuer TEXT NOT NULL,
  number INTEGER NOT NULL,
  this_update INTEGER NOT NULL,
  next_update INTEGER NOT NULL,
  der BLOB NOT NULL,
  PRIMARY KEY (issuer, number)
);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  role TEXT NOT NULL,
  label TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
);
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  serial TEXT NOT NULL,
  detail TEXT NOT NULL,
  request_id TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, sequence);
CREATE TABLE documents (
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('queued', 0), ('certificates', 0), ('revoked', 0);
CREATE TRIGGER count_certificate AFTER INSERT ON certificates BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'certificates';
END;
CREATE TRIGGER count_revoked AFTER UPDATE OF revoked_at ON certificates BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'revoked';
END;
CREATE TRIGGER count_queued AFTER INSERT ON requests WHEN new.state = 'queued' BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'queued';
END;
CREATE TRIGGER count_decided AFTER UPDATE OF state ON requests
  WHEN old.state = 'queued' AND new.state <> 'queued' BEGIN
  UPDATE counters SET value = value - 1 WHERE name = 'queued';
END;
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
)sql";

constexpr const char* kVersion2 = R"sql(
ALTER TABLE requests ADD COLUMN token TEXT NOT NULL DEFAULT '';
CREATE TABLE enrolment_tokens (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  certname TEXT NOT NULL,
  bounds TEXT NOT NULL,
  label TEXT NOT NULL,
  uses INTEGER NOT NULL,
  used INTEGER NOT NULL CHECK (used <= uses),
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
);
CREATE INDEX enrolment_tokens_certname ON enrolment_tokens (certname, id);
)sql";

constexpr const char* kVersion3 = R"sql(
ALTER TABLE requests ADD COLUMN reuse TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN retry_at INTEGER;
CREATE TABLE allowances (
  key TEXT PRIMARY KEY,
  uses TEXT NOT NULL,
  ends INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX allowances_ends ON allowances (ends);
)sql";

// Rows that are there already keep an empty hash: the first new one is chained over all of them
// (see audit_rows.cpp), so that a large table is not written anew. REPLACE would delete without
// asking a DELETE trigger, so an INSERT must go to the end.
constexpr const char* kVersion4 = R"sql(
ALTER TABLE audit ADD COLUMN hash BLOB NOT NULL DEFAULT x'';
CREATE TABLE audit_checkpoints (
  sequence INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  at INTEGER NOT NULL,
  key TEXT NOT NULL,
  signature BLOB NOT NULL
);
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_insert BEFORE INSERT ON audit
  WHEN new.sequence <= (SELECT MAX(sequence) FROM audit) BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_checkpoints_update BEFORE UPDATE ON audit_checkpoints BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_checkpoints_delete BEFORE DELETE ON audit_checkpoints BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_checkpoints_insert BEFORE INSERT ON audit_checkpoints
  WHEN new.sequence <= (SELECT MAX(sequence) FROM audit_checkpoints) BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
)sql";

// The indices of the queue hold all that it is filtered by, so that a page of it reads no other
// row (SQLite looks at `state` again although they are of the queue alone); what is signed at once
// is in none of them.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE requests ADD COLUMN approvals INTEGER NOT NULL DEFAULT 1;
CREATE TABLE approvals (
  request TEXT NOT NULL REFERENCES requests(id),
  person TEXT NOT NULL,
  credential TEXT NOT NULL,
  holds TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (request, person)
) WITHOUT ROWID;
CREATE INDEX queue_arrival ON requests (id, certname, rule, profile, source, key, created_at, state)
  WHERE state = 'queued';
CREATE INDEX queue_certname ON requests (certname, rule, profile, source, key, created_at, state)
  WHERE state = 'queued';
CREATE INDEX queue_age ON requests (created_at) WHERE state = 'queued';
)sql";

constexpr const char* kVersion6 = R"sql(
ALTER TABLE requests ADD COLUMN identity TEXT NOT NULL DEFAULT '';
CREATE TABLE instances (
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  key_sha256 BLOB NOT NULL,
  certname TEXT NOT NULL,
  issuer TEXT NOT NULL,
  serial BLOB NOT NULL,
  bound_at INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
)sql";

// AUTOINCREMENT: a number is not given twice, also after its event was delivered.
constexpr const char* kVersion7 = R"sql(
CREATE TABLE hook_events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  hook TEXT NOT NULL,
  subject TEXT NOT NULL,
  event TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  last_error TEXT NOT NULL
);
CREATE INDEX hook_events_hook ON hook_events (hook, sequence);
CREATE INDEX hook_events_subject ON hook_events (hook, subject, sequence);
CREATE TABLE hook_tallies (
  hook TEXT PRIMARY KEY,
  waiting INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  given_up INTEGER NOT NULL,
  dropped INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// What a token of a person or pipeline is narrowed to.
constexpr const char* kVersion8 = R"sql(
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '';
)sql";

// What SQL does not ask for moves into a compressed body (row_body.h). Rows that are there already
// keep their columns and have no body, so that a large table is not written anew.
//
// Every index in an order of its own is a page more to be written for each enrolment, so one leads
// to the certificate of a name, and from there to its request and its audit row: those that have a
// certificate to be found by are in no other index.
constexpr const char* kVersion9 = R"sql(
CREATE TABLE dictionaries (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
CREATE TRIGGER dictionaries_update BEFORE UPDATE ON dictionaries BEGIN
  SELECT RAISE(ABORT, 'rows need it');
END;
CREATE TRIGGER dictionaries_delete BEFORE DELETE ON dictionaries BEGIN
  SELECT RAISE(ABORT, 'rows need it');
END;
ALTER TABLE certificates ADD COLUMN audit INTEGER;
ALTER TABLE certificates ADD COLUMN body BLOB;
DROP INDEX certificates_certname;
CREATE INDEX certificates_former ON certificates (certname) WHERE current = 0;
ALTER TABLE requests ADD COLUMN certificate INTEGER;
ALTER TABLE requests ADD COLUMN body BLOB;
DROP INDEX requests_csr;
DROP INDEX requests_certname;
DROP INDEX requests_state;
CREATE INDEX requests_certname ON requests (certname, id) WHERE certificate IS NULL;
CREATE INDEX requests_undone ON requests (state, id)
  WHERE state <> 'queued' AND state <> 'signed';
ALTER TABLE audit ADD COLUMN body BLOB;
ALTER TABLE audit ADD COLUMN by_certificate INTEGER NOT NULL DEFAULT 0;
DROP INDEX audit_subject;
CREATE INDEX audit_subject ON audit (subject, sequence) WHERE by_certificate = 0;
)sql";

// A CRL is made from the revocations in the order of their commits, so that a new one costs what is
// new. A whole CRL that is there stays until the next one.
constexpr const char* kVersion10 = R"sql(
CREATE TABLE revocations (
  sequence INTEGER PRIMARY KEY,
  issuer_id INTEGER NOT NULL REFERENCES issuers(id),
  serial BLOB NOT NULL,
  not_after INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL,
  reason INTEGER NOT NULL
);
INSERT INTO revocations (issuer_id, serial, not_after, revoked_at, reason)
  SELECT issuer_id, serial, not_after, revoked_at, revoked_reason FROM certificates
  WHERE revoked_at IS NOT NULL ORDER BY revoked_at, id;
DROP INDEX certificates_crl;
ALTER TABLE crls ADD COLUMN signature BLOB NOT NULL DEFAULT x'';
ALTER TABLE crls ADD COLUMN through INTEGER NOT NULL DEFAULT 0;
ALTER TABLE crls ADD COLUMN dropped_through INTEGER NOT NULL DEFAULT 0;
ALTER TABLE crls ADD COLUMN dropped_before INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::array<const char*, 10> kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4,
                                                     kVersion5, kVersion6, kVersion7, kVersion8,
                                                     kVersion9, kVersion10};

}  // namespace

std::span<const char* const> migrations() { return kMigrations; }

}  // namespace countersign::store
