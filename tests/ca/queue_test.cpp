#include <algorithm>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class Queue : public AuthorityTest {
 protected:
  std::string queued(const std::string& name, const Asked& asked = {}) {
    const auto outcome = submit(csr(name, asked));
    EXPECT_TRUE(outcome);
    EXPECT_EQ(outcome->request.state, store::RequestState::queued);
    return outcome->request.id;
  }
};

TEST_F(Queue, AnApprovalIssuesAndIsToldInTheAudit) {
  start();
  const std::string id = queued("db-1", {.names = {dns("db.example.com")}});
  const auto outcome = approve(id);
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->certificate->names, "DNS:db.example.com, DNS:db-1");
  EXPECT_EQ(outcome->certificate->rule, "operator");
  const auto row = store.request(id).value();
  EXPECT_EQ(row->state, store::RequestState::signed_);
  EXPECT_EQ(row->decided_by, "operator:someone");
  EXPECT_EQ(row->serial, outcome->certificate->serial);
  EXPECT_EQ(actions("db-1"), (std::vector<std::string>{"approve", "queue"}));
}

TEST_F(Queue, NamesKeepTheirOrderAndTheCertnameIsLastUnlessItWasAskedFor) {
  start();
  const std::vector<std::pair<Asked, const char*>> cases = {
      {{}, "DNS:n"},
      {{.names = {dns("b"), dns("a")}}, "DNS:b, DNS:a, DNS:n"},
      {{.names = {dns("b"), dns("n"), dns("a")}}, "DNS:b, DNS:n, DNS:a"},
      {{.names = {dns("b"), dns("b")}}, "DNS:b, DNS:n"},
  };
  for (const auto& [asked, names] : cases) {
    const auto outcome = approve(queued("n", asked), {.subject_alt_names = true});
    ASSERT_TRUE(outcome) << outcome.error().detail;
    EXPECT_EQ(outcome->certificate->names, names);
    ASSERT_TRUE(run(authority->clean("n", {.revoke = false, .requests = true}, op)));
  }
}

TEST_F(Queue, NoApprovalSignsAWeakKeyHoweverItCameIntoTheQueue) {
  start();
  x509::testing::CsrContent content;
  content.subject = x509::common_name_only("db-1");
  content.spki = x509::testing::rsa_spki(1024, 65537);
  const Bytes der = x509::testing::make_csr(content);
  const std::vector<store::WriteBatch> batches = {
      {store::InsertRequest{{.id = "imported",
                             .certname = "db-1",
                             .csr = der,
                             .trace = "[]",
                             .profile = "agent",
                             .caller = "import",
                             .created_at = clock.now()}}}};
  ASSERT_TRUE(store.apply(batches).at(0).has_value());
  EXPECT_EQ(approve("imported").error().code, Code::bad_key);
}

TEST_F(Queue, ARequestIsDecidedOnce) {
  start();
  const std::string id = queued("db-1");
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(authority->approve(id, {}, op));
  const auto results = race(std::move(tasks));
  EXPECT_EQ(std::ranges::count_if(results, [](const auto& r) { return r.has_value(); }), 1);
  for (const auto& result : results) {
    if (result.has_value()) continue;
    EXPECT_EQ(result.error().code, Code::conflict);
  }
  EXPECT_EQ(store.certificates_of("db-1")->size(), 1U);
  EXPECT_EQ(run(authority->deny(id, "late", op)).error().code, Code::conflict);
  EXPECT_EQ(approve("0000").error().code, Code::not_found);

  const std::string other = queued("db-2");
  ASSERT_TRUE(run(authority->deny(other, "unknown machine", op)));
  EXPECT_EQ(run(authority->deny(other, "again", op)).error().code, Code::conflict);
  EXPECT_EQ(approve(other).error().code, Code::conflict);
  // The word of a person stands for the same CSR, and the name is free for another.
  EXPECT_EQ(submit(csr("db-2", {.key = 1}))->request.state, store::RequestState::queued);
}

TEST_F(Queue, WhatWasDeniedByAPersonIsAnsweredSoAgain) {
  start();
  const std::string pem = csr("db-2");
  const auto first = submit(pem);
  ASSERT_TRUE(run(authority->deny(first->request.id, "unknown machine", op)));
  const auto again = submit(pem);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->request.state, store::RequestState::denied);
  EXPECT_EQ(again->request.reason, "unknown machine");
}

TEST_F(Queue, AnApprovalNeverGivesMoreThanItMay) {
  start();
  const std::vector<std::pair<const char*, Asked>> never = {
      {"operator mark", {.extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")}}},
      {"CA:TRUE", {.extensions = {x509::basic_constraints(true)}}},
      {"unknown", {.extensions = {x509::utf8_extension("1.9.9.9", "x")}}},
      {"wildcard", {.names = {dns("*.example.com")}}},
      {"e-mail", {.names = {{x509::GeneralName::Type::email, "a@example.com"}}}},
      {"uri", {.names = {{x509::GeneralName::Type::uri, "https://a/"}}}},
  };
  int number = 0;
  for (const auto& [what, asked] : never) {
    const auto outcome = approve(queued("node-" + std::to_string(number++), asked),
                                 {.subject_alt_names = true, .authorization_extensions = true});
    ASSERT_TRUE(outcome.has_error()) << what;
    EXPECT_EQ(outcome.error().code, Code::not_granted) << what;
  }
  const std::string names = queued("n1", {.names = {dns("other")}});
  EXPECT_EQ(approve(names, {.subject_alt_names = false}).error().code, Code::not_granted);
  EXPECT_TRUE(approve(names, {.subject_alt_names = true}));
  const std::string mark =
      queued("n2", {.extensions = {x509::utf8_extension("1.3.6.1.4.1.34380.1.3.13", "x")}});
  EXPECT_EQ(approve(mark).error().code, Code::not_granted);
  EXPECT_TRUE(approve(mark, {.authorization_extensions = true}));
}

TEST_F(Queue, ARuleThatQueuesSaysWhatAnApprovalGives) {
  start(R"(
[[rule]]
name = "by hand"
match = { certname_regex = 'db-.*' }
grant = { dns = ["{certname}", "db.example.com"] }
action = "queue"
reason = "a person looks at databases"
)");
  const std::string id = queued("db-1", {.names = {dns("db.example.com")}});
  EXPECT_EQ(approve(id)->certificate->names, "DNS:db-1, DNS:db.example.com");
}

TEST_F(Queue, TheLifetimeOfAnApprovalIsKeptAndBounded) {
  start();
  const auto outcome = approve(queued("db-1"), {.validity = std::chrono::hours(1)});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->certificate->not_after,
            std::chrono::floor<std::chrono::seconds>(clock.now()) + std::chrono::hours(1));
  const std::string id = queued("db-2");
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(approve(id, {.validity = std::chrono::seconds(seconds)}).error().code,
              Code::malformed);
  }
  EXPECT_TRUE(approve(id));
}

TEST_F(Queue, AnApprovalOverALiveCertificateIsRefusedInPuppetsWords) {
  start(kWebPolicy);
  const std::string id = queued("web-1.example.com", {.names = {dns("odd")}});
  // Meanwhile the name went to another by a way around the queue.
  Submission submission;
  submission.csr = csr("web-1.example.com", {.key = 1});
  const auto blocked = run(authority->submit(std::move(submission), op));
  EXPECT_EQ(blocked.error().code, Code::request_exists);
  store::CertificateRecord row;
  row.issuer = issuer()->id();
  row.serial = {1, 2, 3};
  row.certname = "web-1.example.com";
  row.not_after = clock.now() + std::chrono::hours(1);
  row.issued_at = clock.now();
  ASSERT_TRUE(
      store.under->apply(std::vector<store::WriteBatch>{{store::InsertCertificate{row}}})[0]);
  const auto outcome = approve(id);
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().code, Code::certificate_exists);
  EXPECT_EQ(outcome.error().detail,
            "web-1.example.com already has a signed certificate; ignoring certificate request");
}

TEST_F(Queue, ADenialNeedsAReasonOfBoundedLength) {
  start();
  const std::string id = queued("db-1");
  EXPECT_EQ(run(authority->deny(id, "", op)).error().code, Code::malformed);
  EXPECT_EQ(run(authority->deny(id, std::string(1025, 'x'), op)).error().code, Code::malformed);
  EXPECT_TRUE(run(authority->deny(id, std::string(1024, 'x'), op)));
}

}  // namespace
}  // namespace countersign::ca
