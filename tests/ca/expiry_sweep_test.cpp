#include "ca/expiry_sweep.h"

#include <set>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;
using std::chrono::seconds;
using Names = std::vector<std::string>;

constexpr Timestamp kSwept{seconds(1'800'000'000)};

class Sweep : public ::testing::Test {
 protected:
  void SetUp() override {
    store::IssuerRecord issuer;
    issuer.id = "CA1";
    ASSERT_TRUE(apply({store::InsertIssuer{issuer}}));
  }
  bool apply(store::WriteBatch batch) {
    const store::WriteBatch batches[] = {std::move(batch)};
    return store_->apply(batches).front().has_value();
  }
  store::CertificateRecord issue(const std::string& name, Timestamp end) {
    store::CertificateRecord row;
    row.issuer = "CA1";
    row.serial = Bytes{1, static_cast<std::uint8_t>(++serials_ / 256),
                       static_cast<std::uint8_t>(serials_ % 256)};
    row.certname = name;
    row.not_after = end;
    EXPECT_TRUE(apply({store::InsertCertificate{row}}));
    return row;
  }
  // The names of all pages, the marks of which are written.
  Names told(Timestamp now, std::size_t pages = 1000) {
    Names names;
    while (pages-- > 0) {
      const auto page = sweep_.next(*store_, now);
      if (!page.has_value() || !*page) break;
      for (const auto& row : (*page)->certificates) names.push_back(row.certname);
      EXPECT_TRUE(apply({(*page)->mark}));
      if (!(*page)->more) break;
    }
    return names;
  }

  const ExpirySweep sweep_{"chat", hours(24)};
  std::unique_ptr<store::Store> store_ = store::make_memory_store(x509::sha256);
  int serials_ = 0;
};

TEST_F(Sweep, ListsEachOnceWhenItComesUnderTheThreshold) {
  issue("near", kSwept + hours(1));
  issue("far", kSwept + hours(30));
  issue("gone", kSwept - hours(1));
  EXPECT_EQ(told(kSwept), Names{"near"});
  EXPECT_EQ(told(kSwept), Names{});
  EXPECT_EQ(told(kSwept + hours(5)), Names{});
  EXPECT_EQ(told(kSwept + hours(7)), Names{"far"});
  EXPECT_EQ(told(kSwept + hours(8)), Names{});
}

TEST_F(Sweep, ListsNeitherWhatIsRevokedNorWhatItsNameStandsForNoMore) {
  const auto revoked = issue("revoked", kSwept + hours(1));
  ASSERT_TRUE(apply({store::RevokeCertificate{"CA1", revoked.serial, {kSwept, 1}}}));
  issue("cleaned", kSwept + hours(1));
  ASSERT_TRUE(apply({store::ReleaseName{"cleaned"}}));
  EXPECT_EQ(told(kSwept), Names{});
}

TEST_F(Sweep, GoesOnWhereItStoppedAndTellsNoneTwice) {
  constexpr int kMany = 250;
  for (int i = 0; i < kMany; ++i) issue("web-" + std::to_string(i), kSwept + hours(1));
  Names all = told(kSwept, 1);
  EXPECT_EQ(all.size(), 100U);
  // As after a restart: what is known is in the store alone.
  for (const std::string& name : told(kSwept + seconds(1))) all.push_back(name);
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kMany));
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), static_cast<std::size_t>(kMany));
}

TEST_F(Sweep, OfTwoWhoTellOfTheSamePageOneIsRefused) {
  issue("near", kSwept + hours(1));
  const auto first = sweep_.next(*store_, kSwept);
  const auto second = sweep_.next(*store_, kSwept);
  EXPECT_TRUE(apply({(*first)->mark}));
  EXPECT_FALSE(apply({(*second)->mark}));
}

TEST_F(Sweep, AClockThatIsPutBackTellsOfNothingTwice) {
  issue("near", kSwept + hours(1));
  EXPECT_EQ(told(kSwept), Names{"near"});
  EXPECT_EQ(told(kSwept - hours(48)), Names{});
  EXPECT_EQ(told(kSwept), Names{});
}

}  // namespace
}  // namespace countersign::ca
