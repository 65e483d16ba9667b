// The promises of store.h about lists of the audit and its checkpoints.
#include <array>

#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AuditConformance : public Conformance {
 protected:
  void SetUp() override {
    int second = 100;
    for (const auto& [action, subject, actor] :
         std::vector<std::array<std::string, 3>>{{"issue", "a", "x"},
                                                 {"deny", "b", "y"},
                                                 {"issue", "b", "y"},
                                                 {"revoke", "a", "x"},
                                                 {"issue", "a", "y"}}) {
      AuditRecord row = audit_row(action, subject);
      row.actor = actor;
      row.at = at(++second);
      ASSERT_EQ(apply({AppendAudit{row}}), kDone);
    }
  }
  std::vector<std::int64_t> numbers(AuditQuery query) {
    std::vector<std::int64_t> list;
    for (int pages = 0; pages < 10; ++pages) {
      const AuditPage page = store_->audit_rows(query).value();
      for (const auto& row : page.rows) list.push_back(row.sequence);
      if (page.next == 0) return list;
      EXPECT_EQ(page.rows.size(), query.limit);
      query.after = page.next;
    }
    ADD_FAILURE() << "the pages never end";
    return list;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, AuditConformance, kEngines, engine_name);

TEST_P(AuditConformance, RowsAreListedInEitherOrderPageByPage) {
  for (const std::size_t limit : {1U, 2U, 5U, 100U}) {
    EXPECT_THAT(numbers({.limit = limit}), ElementsAre(1, 2, 3, 4, 5)) << limit;
    EXPECT_THAT(numbers({.newest_first = true, .limit = limit}), ElementsAre(5, 4, 3, 2, 1));
  }
  EXPECT_THAT(numbers({.after = 3}), ElementsAre(4, 5));
  EXPECT_THAT(numbers({.newest_first = true, .after = 3}), ElementsAre(2, 1));
  EXPECT_THAT(numbers({.after = 5}), IsEmpty());
  EXPECT_THAT(numbers({.after = 1000}), IsEmpty());
  EXPECT_EQ(store_->audit_rows({.limit = 0}).value().rows.size(), 1U) << "0 is taken for 1";
}

TEST_P(AuditConformance, EachConditionOfAListHoldsForEveryRow) {
  for (const std::size_t limit : {1U, 100U}) {
    EXPECT_THAT(numbers({.subject = "a", .limit = limit}), ElementsAre(1, 4, 5));
    EXPECT_THAT(numbers({.subject = "a", .newest_first = true, .limit = limit}),
                ElementsAre(5, 4, 1));
    EXPECT_THAT(numbers({.actor = "y", .limit = limit}), ElementsAre(2, 3, 5));
    EXPECT_THAT(numbers({.action = "issue", .limit = limit}), ElementsAre(1, 3, 5));
    EXPECT_THAT(numbers({.since = at(103), .limit = limit}), ElementsAre(3, 4, 5));
    EXPECT_THAT(numbers({.subject = "a", .actor = "y", .action = "issue", .since = at(105)}),
                ElementsAre(5));
  }
  EXPECT_THAT(numbers({.subject = ""}), IsEmpty()) << "an empty text is a text";
}

TEST_P(AuditConformance, CheckpointsAreAppendedInOrderAndOnlyOverRowsThatAreThere) {
  EXPECT_FALSE(store_->last_audit_checkpoint().value());
  EXPECT_EQ(apply({AppendAuditCheckpoint{checkpoint(2)}}), kDone);
  EXPECT_EQ(apply({AppendAuditCheckpoint{checkpoint(2)}}), Code::conflict);
  EXPECT_EQ(apply({AppendAuditCheckpoint{checkpoint(1)}}), Code::conflict);
  EXPECT_EQ(apply({AppendAuditCheckpoint{checkpoint(6)}}), Code::conflict);
  EXPECT_EQ(apply({AppendAuditCheckpoint{checkpoint(4)}, ReleaseName{"no"}}), Code::not_found);
  EXPECT_EQ(apply({AppendAudit{audit_row("deny", "c")}, AppendAuditCheckpoint{checkpoint(6)}}),
            kDone);
  EXPECT_THAT(store_->audit_checkpoints(0, 10).value(), ElementsAre(checkpoint(2), checkpoint(6)));
  EXPECT_THAT(store_->audit_checkpoints(0, 1).value(), ElementsAre(checkpoint(2)));
  EXPECT_THAT(store_->audit_checkpoints(2, 10).value(), ElementsAre(checkpoint(6)));
  EXPECT_THAT(store_->audit_checkpoints(6, 10).value(), IsEmpty());
  EXPECT_EQ(store_->last_audit_checkpoint().value(), checkpoint(6));
}

}  // namespace
}  // namespace countersign::store
