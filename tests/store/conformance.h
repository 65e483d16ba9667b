// What every engine of the store must keep: a fixture with one empty store of each.
#ifndef COUNTERSIGN_TESTS_STORE_CONFORMANCE_H_
#define COUNTERSIGN_TESTS_STORE_CONFORMANCE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"

namespace countersign::store {

enum class Engine { memory, sqlite };

class Conformance : public ::testing::TestWithParam<Engine> {
 protected:
  Conformance()
      : store_(GetParam() == Engine::memory
                   ? make_memory_store()
                   : open_sqlite_store(folder_.path() / "store.db").value()) {}

  std::optional<Code> apply(WriteBatch batch) { return outcome(*store_, std::move(batch)); }

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
  View view() const {
    const auto document = store_->document("acme", "key").value();
    const auto counts = store_->counts().value();
    return {.certificates = store_->certificates({.limit = 1000}, at(2000)).value().rows,
            .requests = store_->requests({.limit = 1000}).value().rows,
            .tokens = store_->tokens().value(),
            .enrolment_tokens = store_->enrolment_tokens({.limit = 1000}).value().rows,
            .instance = store_->instance("aws", "i-1").value(),
            .audit = store_->audit("", 1000).value(),
            .checkpoints = store_->audit_checkpoints(0, 1000).value(),
            .issuers = store_->issuers().value(),
            .revoked = store_->revoked("CA1", at(2000)).value(),
            .revocations = store_->revocations("CA1", 0, 1000).value(),
            .crl = store_->last_crl("CA1").value(),
            .document = document ? document->value + std::to_string(document->version) : "",
            .allowance = store_->allowance("limit").value(),
            .hook_events = store_->due_hook_events("chat", at(9000), 1000).value(),
            .hook_tallies = store_->hook_tallies().value(),
            .queued = counts.queued,
            .issued = counts.certificates,
            .withdrawn = counts.revoked};
  }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

inline std::string engine_name(const ::testing::TestParamInfo<Engine>& engine) {
  return engine.param == Engine::memory ? "Memory" : "Sqlite";
}

inline const auto kEngines = ::testing::Values(Engine::memory, Engine::sqlite);

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_CONFORMANCE_H_
