// The promises of store.h about cloud instances.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

class InstanceConformance : public Conformance {
 protected:
  void SetUp() override {
    ASSERT_EQ(apply({InsertIssuer{issuer()}, BindInstance{instance("i-1", 1), {}}}), kDone);
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, InstanceConformance, kEngines, engine_name);

TEST_P(InstanceConformance, IsFoundByItsKindAndSubject) {
  EXPECT_EQ(store_->instance("aws", "i-1").value(), instance("i-1", 1));
  EXPECT_EQ(store_->instance("gcp", "i-1").value(), std::nullopt);
  EXPECT_EQ(store_->instance("aws", "i-2").value(), std::nullopt);
}

TEST_P(InstanceConformance, GetsAnotherCertificateOnlyFromWhoKnowsTheOneThatItHas) {
  EXPECT_EQ(apply({BindInstance{instance("i-1", 2), {}}}), Code::conflict);
  EXPECT_EQ(apply({BindInstance{instance("i-1", 2), serial(7)}}), Code::conflict);
  EXPECT_EQ(store_->instance("aws", "i-1").value(), instance("i-1", 1));
  EXPECT_EQ(apply({BindInstance{instance("i-1", 2), serial(1)}}), kDone);
  EXPECT_EQ(store_->instance("aws", "i-1").value(), instance("i-1", 2));
}

TEST_P(InstanceConformance, ThatIsNotKnownHasNoCertificateToGoOnFrom) {
  EXPECT_EQ(apply({BindInstance{instance("i-2", 2), serial(1)}}), Code::conflict);
  EXPECT_EQ(store_->instance("aws", "i-2").value(), std::nullopt);
}

TEST_P(InstanceConformance, IsNotBoundWhereItsBatchFails) {
  EXPECT_EQ(apply({BindInstance{instance("i-2", 2), {}}, RevokeToken{"none", at(1)}}),
            Code::not_found);
  EXPECT_EQ(store_->instance("aws", "i-2").value(), std::nullopt);
}

}  // namespace
}  // namespace countersign::store
