// Damage that is done to an audit is found, and named with its rows.
#include "ca/audit_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/ca/audit_history.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Extent = AuditVerifier::Extent;

AuditReport verify(const AuditHistory& history, Extent extent = Extent::whole) {
  AuditVerifier verifier(audit_private_key().public_key(), extent);
  for (const auto& checkpoint : history.checkpoints) verifier.checkpoint(checkpoint);
  for (const auto& row : history.rows) verifier.row(row);
  return verifier.finish();
}

// "changed 3-3" a finding.
std::vector<std::string> found(const AuditReport& report) {
  std::vector<std::string> list;
  for (const auto& finding : report.findings) {
    EXPECT_FALSE(finding.text.empty());
    list.push_back(std::string(to_string(finding.kind)) + " " + std::to_string(finding.first) +
                   "-" + std::to_string(finding.last));
  }
  return list;
}

void erase(AuditHistory& history, std::int64_t first, std::int64_t last) {
  std::erase_if(history.rows,
                [&](const auto& row) { return row.sequence >= first && row.sequence <= last; });
}

void swap_rows(AuditHistory& history, std::int64_t a, std::int64_t b) {
  std::swap(history.row(a), history.row(b));
  std::swap(history.row(a).sequence, history.row(b).sequence);
}

store::AuditCheckpoint by_another_key(const store::AuditRecord& row) {
  const auto other =
      x509::make_signer(x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value());
  return sign_checkpoint(*other, row, audit_time(9)).value();
}

TEST(AuditVerifier, AWholeAuditIsGoodAndTheReportSaysHowFarItIsSigned) {
  const AuditReport report = verify(audit_history(25));
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.rows, 25);
  EXPECT_EQ(report.first, 1);
  EXPECT_EQ(report.last, 25);
  EXPECT_EQ(report.checkpoints, 2);
  EXPECT_EQ(report.signed_to, 20);
  EXPECT_EQ(report.before_chain, 0);
  EXPECT_TRUE(verify({}).good()) << "nothing is not damage";
}

TEST(AuditVerifier, EachDamageIsFoundAndNamed) {
  using History = AuditHistory;
  const struct {
    const char* what;
    std::function<void(History&)> damage;
    std::vector<std::string> findings;
  } cases[] = {
      {"a field", [](History& h) { h.row(7).actor = "operator:else"; }, {"changed 7-7"}},
      {"a time", [](History& h) { h.row(7).at += std::chrono::hours(1); }, {"changed 7-7"}},
      {"the first row", [](History& h) { h.row(1).subject = "x"; }, {"changed 1-1"}},
      {"the last row", [](History& h) { h.row(25).subject = "x"; }, {"changed 25-25"}},
      {"the row of a checkpoint", [](History& h) { h.row(10).subject = "x"; }, {"changed 10-10"}},
      {"two fields",
       [](History& h) { h.row(3).action = h.row(8).action = "deny"; },
       {"changed 3-3", "changed 8-8"}},
      {"a hash", [](History& h) { h.row(7).hash[0] ^= 1; }, {"changed 7-7", "changed 8-8"}},
      {"a hash taken away", [](History& h) { h.row(7).hash.clear(); }, {"changed 7-7"}},
      // The row before cannot have made its hash anew without the next one showing it.
      {"a field and its hash",
       [](History& h) {
         h.row(7).subject = "x";
         h.row(7).hash = store::chain_hash(x509::sha256, h.row(6).hash, h.row(7));
       },
       {"changed 8-8"}},
      {"a row in the middle", [](History& h) { erase(h, 7, 7); }, {"missing 7-7"}},
      {"rows in the middle", [](History& h) { erase(h, 7, 9); }, {"missing 7-9"}},
      {"the row of a checkpoint taken out",
       [](History& h) { erase(h, 10, 10); },
       {"missing 10-10"}},
      {"the first rows", [](History& h) { erase(h, 1, 12); }, {"missing 1-12"}},
      {"rows that change places",
       [](History& h) { swap_rows(h, 4, 17); },
       {"moved 4-4", "moved 17-17"}},
      {"neighbours that change places",
       [](History& h) { swap_rows(h, 4, 5); },
       {"moved 4-4", "moved 5-5"}},
      {"contents that change places, hashes that stay",
       [](History& h) {
         swap_rows(h, 4, 17);
         std::swap(h.row(4).hash, h.row(17).hash);
       },
       {"moved 4-4", "moved 17-17"}},
      {"lines in another order",
       [](History& h) { std::swap(h.row(4), h.row(5)); },
       {"missing 4-4", "moved 4-4"}},
      {"a line twice",
       [](History& h) { h.rows.insert(h.rows.begin() + 4, h.row(4)); },
       {"moved 4-4"}},
      {"the last rows", [](History& h) { erase(h, 18, 25); }, {"cut off 18-20"}},
      {"all rows", [](History& h) { h.rows.clear(); }, {"cut off 1-20"}},
      {"a history made anew",
       [](History& h) {
         h.row(5).subject = "x";
         h.chain_from(5);
       },
       {"rewritten 1-10", "rewritten 1-20"}},
      {"a history made anew after a checkpoint",
       [](History& h) {
         h.row(15).subject = "x";
         h.chain_from(15);
       },
       {"rewritten 11-20"}},
      {"a row taken out, the rest made anew",
       [](History& h) {
         erase(h, 15, 15);
         for (auto& row : h.rows) row.sequence -= row.sequence > 15 ? 1 : 0;
         h.chain_from(15);
       },
       {"rewritten 11-20"}},
      {"a checkpoint by another key",
       [](History& h) { h.checkpoints[0] = by_another_key(h.row(10)); },
       {"foreign checkpoint 10-10"}},
      {"a checkpoint for another row",
       [](History& h) { h.checkpoints[0].sequence = 11; },
       {"foreign checkpoint 11-11"}},
      {"a checkpoint far away by another key",
       [](History& h) {
         h.row(25).sequence = 900;
         h.checkpoints.push_back(by_another_key(h.row(25)));
         h.row(25).sequence = 25;
       },
       {"foreign checkpoint 900-900"}},
      {"all made anew, with another key",
       [](History& h) {
         h.row(5).subject = "x";
         h.chain_from(5);
         h.checkpoints = {by_another_key(h.row(20))};
       },
       {"foreign checkpoint 20-20"}},
      {"every checkpoint taken away",
       [](History& h) { h.checkpoints.clear(); },
       {"not signed 1-25"}},
      {"two histories, both signed",
       [](History& h) {
         History other = h;
         other.row(20).subject = "x";
         other.chain_from(20);
         h.checkpoints.push_back(
             sign_checkpoint(*audit_signer(), other.row(20), audit_time(1)).value());
       },
       {"rewritten 20-20"}},
  };
  for (const auto& one : cases) {
    AuditHistory history = audit_history(25);
    one.damage(history);
    const AuditReport report = verify(history);
    EXPECT_FALSE(report.good()) << one.what;
    EXPECT_EQ(found(report), one.findings) << one.what;
  }
}

// Honesty: said in docs/decisions/0010.
TEST(AuditVerifier, RowsThatNoCheckpointSawCanBeCutOffUnseenUnlessOneIsKeptElsewhere) {
  AuditHistory history = audit_history(25);
  const auto kept = sign_checkpoint(*audit_signer(), history.row(24), audit_time(5)).value();
  erase(history, 22, 25);
  EXPECT_TRUE(verify(history).good());
  history.checkpoints.push_back(kept);
  EXPECT_THAT(found(verify(history)), ElementsAre("cut off 22-24"));
}

TEST(AuditVerifier, ManyFindingsAreCountedAndNotAllKept) {
  AuditHistory history = audit_history(1000);
  for (std::int64_t i = 1; i <= 300; ++i) erase(history, 3 * i, 3 * i);
  const AuditReport report = verify(history);
  EXPECT_EQ(report.findings.size(), 100U);
  EXPECT_EQ(report.more, 200U);

  AuditHistory changed = audit_history(100);
  for (auto& row : changed.rows) row.detail = "{}";
  const AuditReport all = verify(changed);
  EXPECT_EQ(all.findings.size(), 25U) << "24 by name, the rest as a range";
  EXPECT_EQ(found(all).back(), "changed 25-100");
}

class AuditFromBeforeTheChain : public ::testing::Test {
 protected:
  AuditFromBeforeTheChain() {
    for (std::int64_t i = 1; i <= 6; ++i) history.row(i).hash.clear();
  }
  AuditHistory history = audit_history(25);
};

TEST_F(AuditFromBeforeTheChain, RowsWithoutAHashAreUnderThatOfTheFirstOneThatHasOne) {
  const AuditReport report = verify(history);
  EXPECT_THAT(found(report), IsEmpty());
  EXPECT_EQ(report.before_chain, 6);
  history.row(3).actor = "x";
  EXPECT_THAT(found(verify(history)), ElementsAre("changed 1-7"));
}

TEST_F(AuditFromBeforeTheChain, AHashThatIsMissingLaterIsDamage) {
  history.row(9).hash.clear();
  EXPECT_THAT(found(verify(history)), ElementsAre("changed 9-9"));
}

TEST(AuditVerifier, APartMayBeginAfterACheckpointAndNowhereElse) {
  AuditHistory history = audit_history(25);
  erase(history, 1, 10);
  const AuditReport part = verify(history, Extent::part);
  EXPECT_THAT(found(part), IsEmpty());
  EXPECT_EQ(part.first, 11);
  EXPECT_EQ(part.signed_to, 20);
  EXPECT_THAT(found(verify(history, Extent::whole)), ElementsAre("missing 1-10"));
  erase(history, 11, 11);
  EXPECT_THAT(found(verify(history, Extent::part)), ElementsAre("missing 1-11"));

  AuditHistory changed = audit_history(25);
  erase(changed, 1, 10);
  changed.rows[0].subject = "x";
  EXPECT_THAT(found(verify(changed, Extent::part)), ElementsAre("changed 11-11"));
  changed.checkpoints[0] = by_another_key(audit_history(10).row(10));
  EXPECT_THAT(found(verify(changed, Extent::part)),
              ElementsAre("missing 1-10", "foreign checkpoint 10-10"));
}

}  // namespace
}  // namespace countersign::ca
