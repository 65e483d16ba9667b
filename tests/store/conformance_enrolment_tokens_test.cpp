// The promises of store.h about enrolment tokens.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;

class EnrolmentTokenConformance : public Conformance {
 protected:
  void SetUp() override {
    ASSERT_EQ(apply({InsertIssuer{issuer()}, InsertEnrolmentToken{enrolment_token("E1", "web")},
                     InsertEnrolmentToken{enrolment_token("E2", "")},
                     InsertEnrolmentToken{enrolment_token("E3", "web")}}),
              kDone);
  }
  std::vector<std::string> ids(EnrolmentTokenQuery query) {
    std::vector<std::string> list;
    for (int pages = 0; pages < 10; ++pages) {
      const EnrolmentTokenPage page = store_->enrolment_tokens(query).value();
      for (const auto& row : page.rows) list.push_back(row.id);
      if (page.next.empty()) return list;
      query.after = page.next;
    }
    ADD_FAILURE() << "the pages never end";
    return list;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, EnrolmentTokenConformance, kEngines, engine_name);

TEST_P(EnrolmentTokenConformance, IsFoundByItsIdAndItsHash) {
  const auto token = enrolment_token("E1", "web");
  EXPECT_EQ(store_->enrolment_token("E1").value(), token);
  EXPECT_EQ(store_->enrolment_token_by_hash(token.hash).value(), token);
}

TEST_P(EnrolmentTokenConformance, IsGoodForAsManyCertificatesAsItHasUses) {
  EXPECT_EQ(apply({RedeemEnrolmentToken{"E1", at(3999)}}), kDone);
  EXPECT_EQ(apply({RedeemEnrolmentToken{"E1", at(3999)}}), kDone);
  EXPECT_EQ(apply({RedeemEnrolmentToken{"E1", at(3999)}}), Code::conflict);
  EXPECT_EQ(store_->enrolment_token("E1").value()->used, 2);
}

TEST_P(EnrolmentTokenConformance, TwoBatchesOfOneSyncCannotShareTheLastUse) {
  ASSERT_EQ(apply({RedeemEnrolmentToken{"E1", at(20)}}), kDone);
  const WriteBatch batches[] = {
      {RedeemEnrolmentToken{"E1", at(20)}, InsertCertificate{certificate("web", 1)}},
      {RedeemEnrolmentToken{"E1", at(20)}, InsertCertificate{certificate("db", 2)}}};
  const auto results = store_->apply(batches);
  EXPECT_TRUE(results[0].has_value());
  ASSERT_TRUE(results[1].has_error());
  EXPECT_EQ(results[1].error().code, Code::conflict);
  EXPECT_FALSE(store_->current_certificate("db").value());
}

TEST_P(EnrolmentTokenConformance, ABatchThatFailsLeavesTheUseWhereItWas) {
  EXPECT_EQ(apply({RedeemEnrolmentToken{"E1", at(20)}, ReleaseName{"nobody"}}), Code::not_found);
  EXPECT_EQ(store_->enrolment_token("E1").value()->used, 0);
}

TEST_P(EnrolmentTokenConformance, AreListedPageByPageAndByName) {
  EXPECT_THAT(ids({.limit = 2}), ElementsAre("E1", "E2", "E3"));
  EXPECT_THAT(ids({.certname = "web", .limit = 1}), ElementsAre("E1", "E3"));
  EXPECT_THAT(ids({.certname = ""}), ElementsAre("E2"));
  EXPECT_THAT(ids({.match = [](std::string_view name) { return name.starts_with("w"); }}),
              ElementsAre("E1", "E3"));
}

}  // namespace
}  // namespace countersign::store
