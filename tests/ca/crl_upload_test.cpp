// The CRLs of the CAs above ours: from the file, by upload, over a restart, at their end.
#include "tests/ca/crl_maker.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class CrlUpload : public AuthorityTest {
 protected:
  CrlUpload() { config.root_crl = crl_pem({}); }

  Result<void> upload(const std::string& pem) { return run(authority->upload_crls(pem, admin)); }

  // Number of each CRL that is served, ours first.
  std::vector<std::uint64_t> served(const std::string& pem) {
    std::vector<std::uint64_t> numbers;
    for (const auto& crl : read_crls(pem).value()) numbers.push_back(crl->number());
    return numbers;
  }
  std::vector<std::uint64_t> served() { return served(*authority->crl_pem()); }
  std::uint64_t parent() { return served().at(1); }

  // Starts with another chain.
  void start_with(Chain chain, x509::PrivateKey key) {
    authority.reset();
    auto made =
        Issuer::create(std::move(chain), x509::make_signer(std::move(key)), clock, system_random());
    ASSERT_TRUE(made) << made.error().detail;
    authority =
        std::make_unique<Authority>(config, std::move(*made), store, clock, system_random());
  }

  std::string refusal_of_start() {
    try {
      start();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(CrlUpload, ANewerOneIsServedAtOnceAndOursStaysFirst) {
  start();
  const auto before = authority->agents_crls();
  EXPECT_TRUE(before.pem->ends_with(config.root_crl));
  clock.advance(std::chrono::seconds(1));
  const std::string newer = crl_pem(ParentCrl{}.with_number(6));
  ASSERT_TRUE(upload(newer));
  const auto after = authority->agents_crls();
  EXPECT_EQ(*after.pem, before.pem->substr(0, before.pem->size() - config.root_crl.size()) + newer);
  EXPECT_EQ(after.changed_at, clock.now()) << "for If-Modified-Since";
  EXPECT_EQ(*authority->crl_pem(), *after.pem);
  EXPECT_EQ(actions(""), (std::vector<std::string>{"upload CRLs"}));
  EXPECT_EQ(store.audit("", 1)->front().detail, R"({"replaced":"Test Root CA 06"})");
}

TEST_F(CrlUpload, WhatIsNotNewerChangesNothingButIsInTheAudit) {
  start();
  const auto before = authority->agents_crls();
  ParentCrl unrelated;
  unrelated.key_id = Bytes(20, 1);
  clock.advance(std::chrono::seconds(1));
  for (const std::string& pem :
       {config.root_crl, crl_pem(ParentCrl{}.with_number(4)), crl_pem(unrelated)}) {
    ASSERT_TRUE(upload(pem));
    EXPECT_EQ(authority->agents_crls().pem, before.pem);
    EXPECT_EQ(authority->agents_crls().changed_at, before.changed_at);
  }
  EXPECT_EQ(actions("").size(), 3U);
  EXPECT_FALSE(store.document("crl", "parents").value());
}

TEST_F(CrlUpload, ARefusedOneChangesNothingAndIsInTheAudit) {
  start();
  const auto before = authority->agents_crls();
  ParentCrl revoking = ParentCrl{}.with_number(9);
  revoking.revoked = {{1}};
  const auto refused = upload(crl_pem(revoking));
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Code::malformed);
  EXPECT_EQ(authority->agents_crls().pem, before.pem);
  const auto row = store.audit("", 1)->front();
  EXPECT_EQ(row.action, "refuse");
  EXPECT_NE(row.detail.find("Test Issuing CA"), std::string::npos) << row.detail;
}

TEST_F(CrlUpload, OursIsNeverReplaced) {
  start();
  ParentCrl ours;
  const auto key = TestCa::get().issuing_key();
  ours.issuer = "Test Issuing CA";
  ours.key = &key;
  ours.key_id = key.public_key().key_id();
  ours.number = {0x7F, 0};
  ASSERT_TRUE(upload(crl_pem(ours)));
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{1, 5}));
}

TEST_F(CrlUpload, IsKeptOverARestartAndARevocation) {
  start(kWebPolicy);
  ASSERT_TRUE(upload(crl_pem(ParentCrl{}.with_number(6))));
  ASSERT_TRUE(upload(crl_pem(ParentCrl{}.with_number(7))));
  start(kWebPolicy);
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{2, 7}));
  config.root_crl = crl_pem(ParentCrl{}.with_number(8));
  start(kWebPolicy);
  EXPECT_EQ(parent(), 8U) << "a file that is newer than what was uploaded";
  ASSERT_TRUE(upload(crl_pem(ParentCrl{}.with_number(9))));
  EXPECT_EQ(parent(), 9U);
}

TEST_F(CrlUpload, IsNotServedUnlessItIsDurable) {
  start();
  store.failing = true;
  const auto lost = upload(crl_pem(ParentCrl{}.with_number(6)));
  ASSERT_TRUE(lost.has_error());
  EXPECT_EQ(lost.error().code, Code::unavailable);
  EXPECT_EQ(parent(), 5U);
  store.failing = false;
  // Once the store was opened anew.
  ASSERT_TRUE(eventually([&] { return upload(crl_pem(ParentCrl{}.with_number(6))).has_value(); }));
  EXPECT_EQ(parent(), 6U);
}

TEST_F(CrlUpload, WhatWasDurableWhenTheServiceDiedBeforeItsAnswerIsServedByTheNext) {
  start();
  const std::string newer = crl_pem(ParentCrl{}.with_number(6));
  // All that the dead one did: it neither served nor answered.
  ASSERT_TRUE(store.under->apply(
      std::vector<store::WriteBatch>{{store::PutDocument{"crl", "parents", newer, 0}}})[0]);
  EXPECT_EQ(parent(), 5U);
  ASSERT_TRUE(upload(newer)) << "the client tries again";
  EXPECT_EQ(parent(), 6U);
  start();
  EXPECT_EQ(parent(), 6U);
}

TEST_F(CrlUpload, AFileThatEndedStopsAStartUnlessANewerOneWasUploaded) {
  start();
  ParentCrl longer = ParentCrl{}.with_number(6);
  longer.next_update += std::chrono::days(365);
  ASSERT_TRUE(upload(crl_pem(longer)));
  clock.advance(std::chrono::days(365));  // past the file's, not past the uploaded one's
  start();
  EXPECT_EQ(parent(), 6U);
  clock.advance(std::chrono::days(365));
  const std::string said = refusal_of_start();
  EXPECT_NE(said.find("root.crl.pem"), std::string::npos) << said;
  EXPECT_NE(said.find("the CRL of 'Test Root CA' is past its nextUpdate."), std::string::npos);
}

TEST_F(CrlUpload, TheEndOfOneIsShownByTheHealthUntilAnUpload) {
  start();
  EXPECT_TRUE(authority->health().ready);
  clock.advance(std::chrono::days(365));
  const auto problems = authority->health().problems;
  EXPECT_EQ(problems.back(),
            "The CRL of 'Test Root CA', a CA above this one, is past its nextUpdate. Upload a new "
            "one.");
  ParentCrl longer = ParentCrl{}.with_number(6);
  longer.next_update += std::chrono::days(365);
  ASSERT_TRUE(upload(crl_pem(longer)));
  EXPECT_EQ(authority->health().problems,
            std::vector<std::string>{"The CRL is past its nextUpdate."})
      << "ours, which nobody renews in this test";
}

TEST_F(CrlUpload, SeveralCasAboveEachHaveTheirOwn) {
  // Issuing <- middle <- root.
  const TestCa& ca = TestCa::get();
  const x509::PrivateKey& middle_key = x509::testing::other_key();
  x509::CertificateContent content;
  content.serial = {3};
  content.issuer = ca.chain.back()->subject();
  content.subject = x509::common_name_only("Middle CA");
  content.not_before = x509::testing::at("2020-01-01T00:00:00Z");
  content.not_after = x509::testing::at("2046-01-01T00:00:00Z");
  content.spki = to_bytes(middle_key.public_key().spki());
  content.extensions = {x509::basic_constraints(true),
                        x509::subject_key_identifier(middle_key.public_key().key_id())};
  const auto middle = x509::Certificate::parse(x509::testing::issue(content, ca.root_key)).value();
  content.serial = {4};
  content.issuer = middle->subject();
  content.subject = x509::common_name_only("Lowest CA");
  const auto key = ca.issuing_key();
  content.spki = to_bytes(key.public_key().spki());
  content.extensions[1] = x509::subject_key_identifier(key.public_key().key_id());
  const auto lowest = x509::Certificate::parse(x509::testing::issue(content, middle_key)).value();

  ParentCrl of_middle;
  of_middle.issuer = "Middle CA";
  of_middle.key = &middle_key;
  of_middle.key_id = middle_key.public_key().key_id();
  config.root_crl = crl_pem(of_middle) + crl_pem({});
  start_with({lowest, middle, ca.chain.back()}, ca.issuing_key());
  ASSERT_TRUE(upload(crl_pem(ParentCrl{}.with_number(6)) + crl_pem(of_middle.with_number(7))));
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{1, 7, 6}));
  ASSERT_TRUE(upload(crl_pem(of_middle.with_number(8))));
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{1, 8, 6}));
  ParentCrl revoking = ParentCrl{}.with_number(9);
  revoking.revoked = {{3}};
  EXPECT_EQ(upload(crl_pem(revoking)).error().detail,
            "Invalid certs and/or CRLs: the certificate of 'Middle CA' is revoked.");
}

TEST_F(CrlUpload, ACaThatSignedItselfHasNobodyAbove) {
  config.root_crl.clear();
  start_with({TestCa::get().chain.back()},
             x509::PrivateKey::from_pem(TestCa::get().root_key.to_pem(""), "").value());
  const auto before = authority->agents_crls();
  ASSERT_TRUE(upload(crl_pem({}))) << "of the CA itself, from elsewhere";
  EXPECT_EQ(authority->agents_crls().pem, before.pem);
  EXPECT_EQ(served().size(), 1U);
  EXPECT_TRUE(upload("garbage").has_error());
}

}  // namespace
}  // namespace countersign::ca
