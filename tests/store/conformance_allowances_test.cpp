// The promises of store.h about limits.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::int64_t kTaken = 1'800'000'000;

class AllowanceConformance : public Conformance {
 protected:
  void SetUp() override { ASSERT_EQ(apply({InsertIssuer{issuer()}}), kDone); }
  static TakeAllowance take(const std::string& key, Timestamp now, std::int64_t most = 2) {
    return {.key = key, .at = now, .most = most, .period = hours(1)};
  }
  std::int64_t used_of(const std::string& key) { return used(store_->allowance(key).value()); }
};
INSTANTIATE_TEST_SUITE_P(Engines, AllowanceConformance, kEngines, engine_name);

TEST_P(AllowanceConformance, AreTakenUntilTheyAreUsedUpEachKeyForItself) {
  EXPECT_EQ(store_->allowance("a").value(), Allowance());
  EXPECT_EQ(apply({take("a", at(kTaken)), take("a", at(kTaken))}), kDone);
  EXPECT_EQ(apply({take("a", at(kTaken))}), Code::rate_limited);
  EXPECT_EQ(apply({take("a\nb", at(kTaken))}), kDone);
  EXPECT_EQ(used_of("a"), 2);
  EXPECT_EQ(apply({take("a", at(kTaken) + minutes(62))}), kDone);
}

TEST_P(AllowanceConformance, TwoBatchesOfOneSyncCannotShareTheLastPlace) {
  ASSERT_EQ(apply({take("a", at(kTaken))}), kDone);
  const WriteBatch batches[] = {{take("a", at(kTaken)), InsertCertificate{certificate("web", 1)}},
                                {take("a", at(kTaken)), InsertCertificate{certificate("db", 2)}}};
  const auto results = store_->apply(batches);
  EXPECT_TRUE(results[0].has_value());
  ASSERT_TRUE(results[1].has_error());
  EXPECT_EQ(results[1].error().code, Code::rate_limited);
  EXPECT_FALSE(store_->current_certificate("db").value());
  EXPECT_EQ(used_of("a"), 2);
}

TEST_P(AllowanceConformance, ABatchThatFailsTakesNothing) {
  EXPECT_EQ(apply({take("a", at(kTaken)), ReleaseName{"nobody"}}), Code::not_found);
  EXPECT_EQ(used_of("a"), 0);
  ASSERT_EQ(apply({take("a", at(kTaken))}), kDone);
  EXPECT_EQ(apply({take("a", at(kTaken)), ReleaseName{"nobody"}}), Code::not_found);
  EXPECT_EQ(used_of("a"), 1);
}

TEST_P(AllowanceConformance, RowsThatSayNothingAnyMoreGoAndThoseThatCountStay) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(apply({take("old " + std::to_string(i), at(kTaken))}), kDone);
  }
  ASSERT_EQ(apply({take("kept", at(kTaken) + minutes(50))}), kDone);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(apply({take("new", at(kTaken) + minutes(70), 100)}), kDone);
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(store_->allowance("old " + std::to_string(i)).value(), Allowance()) << i;
  }
  EXPECT_EQ(used_of("kept"), 1);
}

TEST_P(AllowanceConformance, UsesOfAClockThatRanAheadAreSettled) {
  ASSERT_EQ(apply({take("a", at(kTaken) + hours(9000), 1)}), kDone);
  const Allowance before = store_->allowance("a").value();
  EXPECT_EQ(apply({take("a", at(kTaken), 1)}), Code::rate_limited);
  EXPECT_EQ(store_->allowance("a").value(), before) << "what fails changes nothing";
  EXPECT_EQ(apply({SettleAllowance{"a", at(kTaken), hours(1)},
                   SettleAllowance{"none", at(kTaken), hours(1)}}),
            kDone);
  EXPECT_EQ(apply({take("a", at(kTaken) + minutes(58), 1)}), Code::rate_limited);
  EXPECT_EQ(apply({SettleAllowance{"a", at(kTaken) + minutes(58), hours(1)}}), kDone)
      << "nothing to be done";
  EXPECT_EQ(apply({take("a", at(kTaken) + minutes(62), 1)}), kDone);
}

TEST_P(AllowanceConformance, AreThereAfterTheStoreWasOpenedAnew) {
  ASSERT_EQ(apply({take("a", at(kTaken)), take("a", at(kTaken) + minutes(5))}), kDone);
  const Allowance before = store_->allowance("a").value();
  EXPECT_EQ(before.uses.size(), 2U);
  ASSERT_TRUE(store_->reopen().has_value());
  if (GetParam() == Engine::sqlite) {
    store_.reset();
    store_ = open_sqlite_store(folder_.path() / "store.db").value();
  }
  EXPECT_EQ(store_->allowance("a").value(), before);
}

}  // namespace
}  // namespace countersign::store
