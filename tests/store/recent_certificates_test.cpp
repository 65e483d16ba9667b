#include "store/sqlite/recent_certificates.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/store/rows.h"

namespace countersign::store {
namespace {

// A store that holds everything, and the memory of its last commits.
class RecentCertificatesTest : public ::testing::Test {
 protected:
  void SetUp() override { commit({InsertIssuer{issuer()}, InsertIssuer{issuer("CA2")}}); }

  void commit(const WriteBatch& batch) {
    const std::vector<WriteBatch> batches = {batch};
    recent_.committed(batches, store_->apply(batches));
  }
  static CertificateRecord issued_by(const std::string& ca, const std::string& name, int number) {
    CertificateRecord row = certificate(name, number);
    row.issuer = ca;
    return row;
  }

  std::unique_ptr<Store> store_ = make_memory_store();
  RecentCertificates recent_{4};
};

TEST_F(RecentCertificatesTest, WhatWasCommittedIsFoundByItsName) {
  EXPECT_FALSE(recent_.current("web"));
  commit({InsertCertificate{certificate("web", 1)}});
  EXPECT_EQ(recent_.current("web"), certificate("web", 1));
  recent_.forget();
  EXPECT_FALSE(recent_.current("web"));
}

TEST_F(RecentCertificatesTest, WhatWasNotCommittedIsNot) {
  commit({InsertCertificate{certificate("web", 1)}});
  commit({InsertCertificate{certificate("web", 2)}});
  EXPECT_EQ(recent_.current("web"), certificate("web", 1)) << "the name was taken";
}

TEST_F(RecentCertificatesTest, TheOldestMakesRoom) {
  for (int i = 1; i <= 5; ++i) commit({InsertCertificate{certificate("n" + std::to_string(i), i)}});
  EXPECT_FALSE(recent_.current("n1"));
  EXPECT_TRUE(recent_.current("n2"));
  EXPECT_TRUE(recent_.current("n5"));
}

TEST_F(RecentCertificatesTest, ASerialIsOneIssuersOwn) {
  commit({InsertCertificate{issued_by("CA1", "a", 1)}});
  commit({InsertCertificate{issued_by("CA2", "b", 1)}});
  commit({RevokeCertificate{"CA2", serial(1), {at(2000), 1}}});
  EXPECT_TRUE(recent_.current("a"));
  EXPECT_FALSE(recent_.current("b"));
}

// Whatever is committed, in any order: it says what the store says, or nothing.
TEST_F(RecentCertificatesTest, NeverContradictsTheStore) {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same every time
  const auto below = [&](int bound) { return std::uniform_int_distribution(0, bound - 1)(random); };
  std::size_t answers = 0;
  for (int step = 1; step <= 5000; ++step) {
    const std::string name = "n" + std::to_string(below(6));
    const std::string ca = below(2) == 0 ? "CA1" : "CA2";
    const Bytes old = serial(std::max(1, step - below(12)));
    WriteBatch batch;
    if (below(3) == 0) batch.push_back(RevokeCertificate{ca, old, {at(2000), 1}});
    if (below(4) == 0) batch.push_back(ReleaseName{name, {}});
    InsertCertificate insert{issued_by(ca, name, step)};
    insert.replace = below(3) == 0;
    insert.certificate.current = below(8) != 0;
    if (below(2) == 0) batch.push_back(insert);
    if (below(6) == 0) batch.push_back(RevokeCertificate{ca, serial(step), {at(2000), 1}});
    commit(batch);
    for (int i = 0; i < 6; ++i) {
      const std::string asked = "n" + std::to_string(i);
      const auto recent = recent_.current(asked);
      if (!recent) continue;
      ++answers;
      ASSERT_EQ(recent, store_->current_certificate(asked).value()) << asked << " at " << step;
    }
  }
  EXPECT_GT(answers, 1000U);
}

}  // namespace
}  // namespace countersign::store
