// When the audit is signed, and what is looked at before.
#include "ca/audit_checkpointer.h"

#include <gmock/gmock.h>

#include <boost/asio/detached.hpp>
#include <functional>

#include "ca/audit_verifier.h"
#include "tests/ca/audit_history.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Shows rows as somebody left them who wrote to the file.
class TamperedStore : public BreakableStore {
 public:
  Result<store::AuditPage> audit_rows(const store::AuditQuery& query) const override {
    auto page = under->audit_rows(query);
    if (tamper && page) std::erase_if(page->rows, std::not_fn(tamper));
    return page;
  }
  std::function<bool(store::AuditRecord&)> tamper;  // changes a row; false: it is gone
};

class Checkpoints : public ::testing::Test {
 protected:
  void append(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(committer.commit_blocking({store::AppendAudit{{.action = "issue"}}}));
    }
  }
  AuditCheckpointer make(std::shared_ptr<const x509::Signer> key = audit_signer()) {
    return {std::move(key), store, committer, clock, 10, std::chrono::seconds(60)};
  }
  std::vector<std::int64_t> signed_rows() {
    std::vector<std::int64_t> list;
    for (const auto& one : store.audit_checkpoints(0, 100).value()) list.push_back(one.sequence);
    return list;
  }
  AuditReport verify() {
    AuditVerifier verifier(audit_private_key().public_key(), AuditVerifier::Extent::whole);
    for (const auto& one : store.audit_checkpoints(0, 100).value()) verifier.checkpoint(one);
    for (const auto& row : store.audit_rows({.limit = 100'000}).value().rows) verifier.row(row);
    return verifier.finish();
  }
  // What the audit itself tells of damage.
  std::vector<std::string> told() {
    std::vector<std::string> list;
    for (const auto& row : store.under->audit_rows({.action = "audit broken"}).value().rows) {
      list.push_back(row.detail);
    }
    return list;
  }

  FakeClock clock;
  TamperedStore store;
  store::Committer committer{store, 100};
};

TEST_F(Checkpoints, AreSignedAtTheStartThenEveryNRowsOrAfterTheIntervalAndAtTheEnd) {
  AuditCheckpointer checkpoints = make();
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), IsEmpty()) << "nothing to sign";
  append(3);
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(3)) << "the first since the start";
  append(9);
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(3)) << "not yet";
  append(1);
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(3, 13));
  append(1);
  clock.advance(std::chrono::seconds(59));
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(3, 13));
  clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(3, 13, 14));
  clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(3, 13, 14)) << "no new row, nothing to say";
  append(2);
  ASSERT_TRUE(checkpoints.close());
  ASSERT_TRUE(checkpoints.close());
  EXPECT_THAT(signed_rows(), ElementsAre(3, 13, 14, 16));
  EXPECT_TRUE(checkpoints.kept());
  EXPECT_TRUE(verify().good());
  EXPECT_EQ(verify().signed_to, 16);
}

TEST_F(Checkpoints, GoOnWhereTheLastProcessEnded) {
  append(4);
  ASSERT_TRUE(make().close());
  append(5);  // and then the power failed
  AuditCheckpointer again = make();
  ASSERT_TRUE(again.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(4, 9));
  EXPECT_TRUE(again.kept());
  EXPECT_TRUE(verify().good());
}

TEST_F(Checkpoints, ALongHistoryIsTakenUpInSteps) {
  store::WriteBatch batch(10'500, store::AppendAudit{{.action = "issue"}});
  ASSERT_TRUE(committer.commit_blocking(std::move(batch)));
  AuditCheckpointer checkpoints = make();
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), IsEmpty()) << "a CRL must not wait for all of it";
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_THAT(signed_rows(), ElementsAre(10'500));
}

TEST_F(Checkpoints, WithoutAKeyNothingIsSignedAndThatIsTold) {
  append(50);
  AuditCheckpointer checkpoints = make(nullptr);
  ASSERT_TRUE(checkpoints.keep());
  ASSERT_TRUE(checkpoints.close());
  EXPECT_THAT(signed_rows(), IsEmpty());
  EXPECT_FALSE(checkpoints.kept());
}

TEST_F(Checkpoints, AStoreThatCannotBeWrittenIsTriedAgain) {
  append(3);
  AuditCheckpointer checkpoints = make();
  store.failing = true;
  EXPECT_EQ(checkpoints.keep().error().code, Code::unavailable);
  store.failing = false;
  ASSERT_TRUE(eventually([&] { return checkpoints.keep().has_value(); }));
  EXPECT_THAT(signed_rows(), ElementsAre(3));
  EXPECT_TRUE(checkpoints.kept());
}

TEST_F(Checkpoints, DamageUnderARunningServiceIsWrittenIntoTheAuditAndTheMetricShowsIt) {
  const struct {
    const char* what;
    std::function<void()> damage;
    const char* told;
  } cases[] = {
      {"changed",
       [&] {
         store.tamper = [](store::AuditRecord& row) {
           if (row.sequence == 7) row.actor = "nobody";
           return true;
         };
       },
       R"("sequence":7,"what":"it does not fit)"},
      {"taken out",
       [&] { store.tamper = [](store::AuditRecord& row) { return row.sequence != 7; }; },
       R"("sequence":8,"what":"the rows before it are missing)"},
      {"cut off",
       [&] {
         store.under = store::make_memory_store(x509::sha256);
         append(3);
       },
       R"("sequence":3,"what":"the rows after it are cut off)"},
  };
  for (const auto& one : cases) {
    store.under = store::make_memory_store(x509::sha256);
    store.tamper = nullptr;
    append(5);
    AuditCheckpointer checkpoints = make();
    ASSERT_TRUE(checkpoints.keep());
    append(5);
    one.damage();
    ASSERT_TRUE(checkpoints.close()) << one.what;
    EXPECT_FALSE(checkpoints.kept()) << one.what;
    ASSERT_EQ(told().size(), 1U) << one.what;
    EXPECT_THAT(told()[0], HasSubstr(one.told)) << one.what;
    ASSERT_TRUE(checkpoints.close()) << one.what;
    EXPECT_EQ(told().size(), 1U) << one.what << ": once is enough";
  }
}

TEST_F(Checkpoints, AtTheStartTheNewestCheckpointMustBeOursAndItsRowTheSame) {
  append(5);
  const auto other =
      x509::make_signer(x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value());
  ASSERT_TRUE(committer.commit_blocking({store::AppendAuditCheckpoint{
      sign_checkpoint(*other, store.audit_rows({}).value().rows[4], clock.now()).value()}}));
  AuditCheckpointer checkpoints = make();
  ASSERT_TRUE(checkpoints.keep());
  EXPECT_FALSE(checkpoints.kept());
  EXPECT_THAT(told(), ElementsAre(HasSubstr("not signed by the audit key")));
}

TEST_F(Checkpoints, TheAuthoritySignsThemBesideItsCrls) {
  AuthorityConfig config;
  config.profiles["agent"] = {};
  config.profiles["server"] = {};
  config.audit_key = audit_signer();
  Authority authority(
      config,
      Issuer::create(TestCa::get().chain, x509::make_signer(TestCa::get().issuing_key()), clock,
                     system_random())
          .value(),
      store, clock, system_random());
  EXPECT_TRUE(authority.health().audit_kept);
  append(2);
  boost::asio::io_context io;
  boost::asio::co_spawn(io, authority.run(), boost::asio::detached);
  std::thread thread([&] { io.run(); });
  EXPECT_TRUE(eventually([&] { return signed_rows() == std::vector<std::int64_t>{2}; }));
  authority.stop();
  thread.join();
  append(1);
  ASSERT_TRUE(authority.close_audit());
  EXPECT_THAT(signed_rows(), ElementsAre(2, 3));
}

}  // namespace
}  // namespace countersign::ca
