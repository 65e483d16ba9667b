#include "ca/parent_crls.h"

#include "tests/ca/crl_maker.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

const Timestamp kChecked = x509::testing::at("2026-06-01T12:00:00Z");

Crls of(const std::vector<ParentCrl>& wanted) {
  Crls list;
  for (const ParentCrl& crl : wanted) list.push_back(x509::Crl::parse(crl_der(crl)).value());
  return list;
}

ParentCrl numbered(Bytes number) {
  ParentCrl crl;
  crl.number = std::move(number);
  return crl;
}

// A second CA, with which Test Root CA shares nothing.
ParentCrl other_ca(std::uint8_t number = 1) {
  ParentCrl crl;
  crl.issuer = "Other CA";
  crl.key = &x509::testing::other_key();
  crl.key_id = x509::testing::other_key().public_key().key_id();
  crl.number = {number};
  return crl;
}

TEST(ParentCrls, AreReadFromPemEachOnceAndInOrder) {
  const std::string a = crl_pem({});
  const std::string b = crl_pem(other_ca());
  const auto read = read_crls("A note.\n" + a + b + a + TestCa::get().chain.front()->pem());
  ASSERT_TRUE(read) << read.error().cause;
  EXPECT_EQ(to_pem(*read), a + b);
}

TEST(ParentCrls, ATextWithoutAGoodCrlHoldsNone) {
  const std::string good = crl_pem({});
  for (const std::string& text :
       {std::string(), std::string("garbage"), TestCa::get().chain.front()->pem(),
        x509::pem_encode(x509::kPemCrl, TestCa::get().chain.front()->der()),
        good + x509::pem_encode(x509::kPemCrl, Bytes{0x30, 0}), good.substr(0, good.size() - 10)}) {
    const auto read = read_crls(text);
    ASSERT_TRUE(read.has_error()) << text;
    EXPECT_EQ(read.error().code, Code::malformed);
    EXPECT_EQ(read.error().detail, "No valid CRLs submitted.");
    EXPECT_FALSE(read.error().cause.empty()) << "for the log";
  }
}

TEST(ParentCrls, TheHighestNumberOfEachCaCounts) {
  const ParentCrl crl;
  const Bytes longest(20, 0x7F);
  const struct {
    const char* what;
    Bytes current;
    std::vector<Bytes> submitted;
    Bytes best;
  } cases[] = {
      {"newer", {5}, {{6}}, {6}},
      {"older", {5}, {{4}}, {5}},
      {"the newest of several", {5}, {{6}, {8}, {7}}, {8}},
      {"a tie below the newest", {5}, {{6}, {7}}, {7}},
      {"by value and not by octet", {5}, {{1, 0}}, {1, 0}},
      {"of twenty octets", {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, {longest}, longest},
      {"any number after none", {}, {{0}}, {0}},
  };
  for (const auto& [what, current, submitted, best] : cases) {
    std::vector<ParentCrl> list;
    for (const Bytes& number : submitted) list.push_back(numbered(number));
    const auto newest = newest_crls(of({numbered(current)}), of(list));
    ASSERT_TRUE(newest) << what;
    ASSERT_EQ(newest->size(), 1U);
    EXPECT_EQ((*newest)[0]->number_octets(), best) << what;
  }
}

TEST(ParentCrls, TheSameAgainIsNoTieButAnotherOfTheSameNumberIs) {
  const Crls current = of({ParentCrl{}});
  ASSERT_TRUE(newest_crls(current, current));
  ParentCrl twin;
  twin.next_update += std::chrono::days(1);
  for (const Crls& submitted :
       {of({twin}), of({ParentCrl{}.with_number(9), twin.with_number(9)})}) {
    const auto newest = newest_crls(current, submitted);
    ASSERT_TRUE(newest.has_error());
    EXPECT_EQ(newest.error().detail, "Could not determine newest CRL.");
  }
  // Below a newer one it does not matter.
  EXPECT_TRUE(newest_crls(current, of({twin, ParentCrl{}.with_number(9)})));
}

TEST(ParentCrls, WhatHasNoCounterpartIsLeftOutAndTheOrderStays) {
  const auto newest =
      newest_crls(of({other_ca(), ParentCrl{}}), of({ParentCrl{}.with_number(7), other_ca(2)}));
  ASSERT_TRUE(newest);
  ASSERT_EQ(newest->size(), 2U);
  EXPECT_EQ((*newest)[0]->number(), 2U);
  EXPECT_EQ((*newest)[1]->number(), 7U);
  EXPECT_EQ(newest_crls(of({ParentCrl{}}), of({other_ca()}))->size(), 1U);
  EXPECT_TRUE(newest_crls({}, of({other_ca()}))->empty());
}

TEST(ParentCrls, ASubmittedOneNeedsAKeyIdAndTheOneThatIsThereDoesNot) {
  ParentCrl bare;
  bare.key_id.clear();
  const auto refused = newest_crls(of({ParentCrl{}}), of({bare}));
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().detail,
            "One or more submitted CRLs do not have an authority key identifier.");
  const auto by_name = newest_crls(of({bare}), of({ParentCrl{}.with_number(9), other_ca(9)}));
  ASSERT_TRUE(by_name);
  EXPECT_EQ((*by_name)[0]->number(), 9U);
}

TEST(ParentCrls, OfTwoSetsTheLaterCountsAndOfEqualOnesTheFirst) {
  ParentCrl later;
  later.this_update += std::chrono::days(1);
  const Crls file = of({ParentCrl{}, other_ca(3)});
  const Crls kept = of({later});
  EXPECT_EQ(later_crls(file, kept), (Crls{kept[0], file[1]}));
  EXPECT_EQ(later_crls(kept, file), kept);
  EXPECT_EQ(later_crls(file, of({other_ca(4), later.with_number(4)}))[0]->number(), 5U);
  EXPECT_EQ(later_crls(file, of({other_ca(4)}))[1]->number(), 4U);
  EXPECT_TRUE(later_crls({}, file).empty());
}

TEST(ParentCrls, TheChainMustHoldWithThem) {
  const auto with = [](auto change) {
    ParentCrl crl;
    change(crl);
    return crl;
  };
  const std::string about_root = "Invalid certs and/or CRLs: the CRL of 'Test Root CA' ";
  const std::pair<ParentCrl, std::string> cases[] = {
      {ParentCrl{}, ""},
      {with([](ParentCrl& c) {
         c.revoked = {{9}, {7}};
       }),
       ""},
      {with([](ParentCrl& c) {
         c.extensions = {{.oid = "1.2.3", .value = {5, 0}}};
       }),
       ""},
      {with([](ParentCrl& c) { c.extensions = {delta_indicator()}; }), "Cannot support delta CRL."},
      {with([](ParentCrl& c) {
         c.extensions = {{.oid = "1.2.3", .critical = true, .value = {5, 0}}};
       }),
       about_root + "has the critical extension 1.2.3."},
      {with([](ParentCrl& c) {
         c.revoked = {{9}};
         c.critical_entry = true;
       }),
       about_root + "has an entry with a critical extension."},
      {with([](ParentCrl& c) { c.next_update = x509::testing::at("2026-06-01T12:00:00Z"); }),
       about_root + "is past its nextUpdate."},
      {with([](ParentCrl& c) { c.this_update = x509::testing::at("2026-06-01T12:00:01Z"); }),
       about_root + "is not valid yet."},
      {with([](ParentCrl& c) {
         c.revoked = {{9}, {1}};
       }),
       "Invalid certs and/or CRLs: the certificate of 'Test Issuing CA' is revoked."},
      {with([](ParentCrl& c) { c.key = &x509::testing::other_key(); }),
       "Invalid certs and/or CRLs: a CRL is not signed by a CA above this one."},
      {with([](ParentCrl& c) { c.issuer = "Another name"; }),
       "Invalid certs and/or CRLs: a CRL is not signed by a CA above this one."},
  };
  for (const auto& [crl, said] : cases) {
    const auto checked = check_crls(TestCa::get().chain, of({crl}), kChecked);
    EXPECT_EQ(checked.has_error() ? checked.error().detail : "", said);
  }
  EXPECT_TRUE(check_crls({TestCa::get().chain.back()}, {}, kChecked)) << "a CA that signed itself";
}

}  // namespace
}  // namespace countersign::ca
