// What a store shows, as one value.
#ifndef COUNTERSIGN_TESTS_STORE_VIEW_H_
#define COUNTERSIGN_TESTS_STORE_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "tests/store/rows.h"

namespace countersign::store {

// Everything that a reader can see of one name and of the whole, to compare before and after.
struct View {
  std::vector<CertificateRecord> certificates;
  std::vector<RequestRecord> requests;
  std::vector<TokenRecord> tokens;
  std::vector<EnrolmentTokenRecord> enrolment_tokens;
  std::optional<InstanceRecord> instance;
  std::vector<AuditRecord> audit;
  std::vector<AuditCheckpoint> checkpoints;
  std::vector<IssuerRecord> issuers;
  std::vector<RevokedSerial> revoked;
  std::vector<RevocationRecord> revocations;
  std::optional<CrlRecord> crl;
  std::string document;
  Allowance allowance;
  std::vector<HookEventRecord> hook_events;
  std::vector<HookTally> hook_tallies;
  std::int64_t queued = 0, issued = 0, withdrawn = 0;
  bool operator==(const View&) const = default;
};
inline View view_of(const Store& store) {
  const auto document = store.document("acme", "key").value();
  const auto counts = store.counts().value();
  return {.certificates = store.certificates({.limit = 1000}, at(2000)).value().rows,
          .requests = store.requests({.limit = 1000}).value().rows,
          .tokens = store.tokens().value(),
          .enrolment_tokens = store.enrolment_tokens({.limit = 1000}).value().rows,
          .instance = store.instance("aws", "i-1").value(),
          .audit = store.audit("", 1000).value(),
          .checkpoints = store.audit_checkpoints(0, 1000).value(),
          .issuers = store.issuers().value(),
          .revoked = store.revoked("CA1", at(2000)).value(),
          .revocations = store.revocations("CA1", 0, 1000).value(),
          .crl = store.last_crl("CA1").value(),
          .document = document ? document->value + std::to_string(document->version) : "",
          .allowance = store.allowance("limit").value(),
          .hook_events = store.due_hook_events("chat", at(9000), 1000).value(),
          .hook_tallies = store.hook_tallies().value(),
          .queued = counts.queued,
          .issued = counts.certificates,
          .withdrawn = counts.revoked};
}

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_VIEW_H_
