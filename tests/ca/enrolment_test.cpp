// Enrolment tokens: who shows one that is good for the request is signed, once.
#include <gmock/gmock.h>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;

constexpr const char* kTokenPolicy = R"(
default = "deny"
[[rule]]
name = "token"
match = { token = "required" }
action = "sign"
)";

class Enrolment : public AuthorityTest {
 protected:
  Authority::NewEnrolmentToken mint(const policy::TokenBounds& bounds, std::int64_t uses = 1) {
    Authority::EnrolmentOrder order;
    order.tokens = {bounds};
    order.uses = uses;
    return run(authority->mint_enrolment_tokens(std::move(order), op)).value().front();
  }
  Task<Result<Submitted>> presenting(std::string pem, std::string secret) {
    Submission submission;
    submission.csr = std::move(pem);
    submission.token = Secret(std::move(secret));
    co_return co_await authority->submit(std::move(submission), caller_of(Role::anonymous));
  }
  Result<Submitted> present(const std::string& pem, const std::string& secret) {
    return run(presenting(pem, secret));
  }
  // The reason of a denial.
  std::string refused(const std::string& pem, const std::string& secret) {
    const auto outcome = present(pem, secret);
    if (outcome.has_error()) return outcome.error().detail;
    EXPECT_EQ(outcome->request.state, store::RequestState::denied);
    if (!secret.empty()) {
      EXPECT_EQ(outcome->request.trace.find(secret), std::string::npos) << "a trace is no secret";
    }
    return outcome->request.trace;
  }
  std::int64_t used(const Authority::NewEnrolmentToken& token) {
    return store.enrolment_token(token.token.id).value().value().used;
  }
};

TEST_F(Enrolment, ATokenSignsOnceAndIsUsedUpWithTheCertificate) {
  start(kTokenPolicy);
  const auto token = mint({.certname = "web-1"});
  EXPECT_TRUE(token.secret.starts_with("cse_"));
  const auto outcome = present(csr("web-1"), token.secret);
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->certificate);
  EXPECT_EQ(outcome->request.token, token.token.id);
  EXPECT_EQ(used(token), 1);
  EXPECT_EQ(present(csr("web-1", {.key = 1}), token.secret).error().code, Code::certificate_exists);
}

TEST_F(Enrolment, ATokenIsFoundWhereverTheMachineCanPutIt) {
  start(kTokenPolicy);
  for (const std::string oid : {"1.2.840.113549.1.9.7", "1.3.6.1.4.1.34380.1.1.4"}) {
    const std::string name = "web-" + std::to_string(oid.size());
    const auto token = mint({.certname = name});
    const auto outcome = submit(csr(name, {.attribute = {oid, token.secret}}), true);
    ASSERT_TRUE(outcome.has_value()) << oid;
    EXPECT_TRUE(outcome->certificate) << oid;
  }
}

TEST_F(Enrolment, ARequestThatTheTokenIsNotForIsDeniedAndTheReasonIsTold) {
  config.profiles["other"] = {};
  start(kTokenPolicy);
  const std::string other_key = std::string(64, 'a');
  const policy::TokenBounds any{.certname_regex = ".*"};
  const auto with = [&](auto change) {
    policy::TokenBounds bounds = any;
    change(bounds);
    return bounds;
  };
  const std::pair<policy::TokenBounds, const char*> cases[] = {
      {{.certname = "db-1"}, "the token is for another name"},
      {{.certname_regex = "db-[0-9]+"}, "the token is for names that match db-[0-9]+"},
      {with([&](auto& b) { b.key_sha256 = other_key; }), "the token is for another key"},
      {with([](auto& b) { b.source = {"10.0.0.0/8"}; }), "the token is for other source"},
      {with([](auto& b) { b.profile = "other"; }), "the token is for the profile other"},
      {with([](auto& b) { b.extensions["1.3.6.1.4.1.34380.1.1.13"] = "web"; }),
       "the token is for pp_role = web"},
      {with([](auto& b) { b.dns = {"a.example.com"}; }), "the token does not allow a SAN"},
  };
  int number = 0;
  for (const auto& [bounds, reason] : cases) {
    const auto token = mint(bounds);
    const std::string pem =
        csr("web-" + std::to_string(++number), {.names = {dns("www.example.com")}});
    EXPECT_THAT(refused(pem, token.secret), ::testing::HasSubstr(reason));
    EXPECT_EQ(used(token), 0) << reason;
  }
  EXPECT_THAT(refused(csr("web-20"), "cse_guess"), ::testing::HasSubstr("the token is not known"));
  EXPECT_THAT(refused(csr("web-30"), ""), ::testing::HasSubstr("no enrolment token was presented"));
}

TEST_F(Enrolment, ATokenEndsWithItsTimeAndWithItsRevocation) {
  start(kTokenPolicy);
  const auto late = mint({.certname = "web-1"});
  const auto revoked = mint({.certname = "web-2"});
  ASSERT_TRUE(run(authority->revoke_enrolment_token(revoked.token.id, op)).has_value());
  EXPECT_THAT(refused(csr("web-2"), revoked.secret), ::testing::HasSubstr("the token is revoked"));
  clock.advance(hours(24));
  EXPECT_THAT(refused(csr("web-1"), late.secret), ::testing::HasSubstr("the token has expired"));
  EXPECT_EQ(run(authority->revoke_enrolment_token(revoked.token.id, op)).error().code,
            Code::already_revoked);
}

TEST_F(Enrolment, OfManyWhoShowOneTokenAtOnceOneIsSigned) {
  start(kTokenPolicy);
  const auto token = mint({.certname_regex = "web-[0-9]+"});
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 40; ++i) {
    tasks.push_back(presenting(csr("web-" + std::to_string(i), {.key = i % 4}), token.secret));
  }
  int signed_ones = 0;
  int denied = 0;
  for (const auto& outcome : race(std::move(tasks))) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error().detail;
    if (outcome->certificate) ++signed_ones;
    if (outcome->request.state == store::RequestState::denied) {
      ++denied;
      EXPECT_THAT(outcome->request.trace, ::testing::HasSubstr("the token is used up"));
    }
  }
  EXPECT_EQ(signed_ones, 1);
  EXPECT_EQ(denied, 39);
  EXPECT_EQ(store.counts().value().certificates, 1);
}

TEST_F(Enrolment, APatternTokenIsGoodForAsManyAsItSays) {
  start(kTokenPolicy);
  const auto token = mint({.certname_regex = "web-[0-9]+"}, 2);
  EXPECT_TRUE(present(csr("web-1"), token.secret)->certificate);
  EXPECT_TRUE(present(csr("web-2"), token.secret)->certificate);
  EXPECT_FALSE(present(csr("web-3"), token.secret)->certificate);
}

TEST_F(Enrolment, AMachineThatLostTheAnswerGetsTheSameCertificateAgain) {
  start(kTokenPolicy);
  const auto token = mint({.certname = "web-1"});
  const auto first = present(csr("web-1"), token.secret);
  ASSERT_TRUE(first->certificate);
  // Another CSR of the same key: ECDSA signs differently each time.
  const auto again = present(csr("web-1"), token.secret);
  ASSERT_TRUE(again.has_value()) << again.error().detail;
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->certificate.value().der, first->certificate->der);
  EXPECT_EQ(store.counts().value().certificates, 1);
  EXPECT_EQ(present(csr("web-1"), "").error().code, Code::certificate_exists)
      << "without the token the name is just taken";
}

TEST_F(Enrolment, ATokenGoesBeforeASquatterInTheQueue) {
  start(R"(
default = "queue"
[[rule]]
name = "token"
match = { token = "required" }
action = "sign"
)");
  const auto squatter = submit(csr("web-1", {.key = 1}));
  ASSERT_EQ(squatter->request.state, store::RequestState::queued);
  const auto token = mint({.certname = "web-1"});
  EXPECT_EQ(present(csr("web-1"), "cse_wrong").error().code, Code::request_exists);
  EXPECT_TRUE(present(csr("web-1"), token.secret)->certificate);
  EXPECT_EQ(store.request(squatter->request.id).value()->state, store::RequestState::withdrawn);
}

TEST_F(Enrolment, ATokenThatIsNotUsedUpPutsNoOtherRequestAside) {
  start(R"(
default = "queue"
[[rule]]
name = "held"
match = { token = "required", certname_regex = 'held-.*' }
action = "queue"
[[rule]]
name = "no"
match = { token = "required", certname_regex = 'no-.*' }
action = "deny"
[[rule]]
name = "limited"
match = { token = "required", certname_regex = 'web-.*' }
action = "sign"
limit = { rule = "1/d" }
)");
  for (const char* name : {"held-1", "no-1", "db-1"}) {
    const auto first = submit(csr(name, {.key = 1}));
    ASSERT_EQ(first->request.state, store::RequestState::queued) << name;
    const auto token = mint({.certname = name});
    EXPECT_EQ(present(csr(name), token.secret).error().code, Code::request_exists) << name;
    EXPECT_EQ(store.request(first->request.id).value()->state, store::RequestState::queued) << name;
    EXPECT_EQ(used(token), 0) << name;
  }
  // Held by a limit alone: the token is good for the place in the queue.
  ASSERT_TRUE(present(csr("web-1"), mint({.certname = "web-1"}).secret)->certificate);
  const auto squatter = submit(csr("web-2", {.key = 1}));
  const auto waiting = present(csr("web-2"), mint({.certname = "web-2"}).secret);
  ASSERT_TRUE(waiting.has_value()) << waiting.error().detail;
  EXPECT_TRUE(waiting->request.retry_at);
  EXPECT_EQ(store.request(squatter->request.id).value()->state, store::RequestState::withdrawn);
}

TEST_F(Enrolment, ATokenThatComesLaterSignsTheRequestThatWaited) {
  start(R"(
default = "queue"
[[rule]]
name = "token"
match = { token = "required" }
action = "sign"
)");
  const std::string pem = csr("web-1");
  ASSERT_EQ(submit(pem)->request.state, store::RequestState::queued);
  const auto token = mint({.certname = "web-1"});
  EXPECT_TRUE(present(pem, token.secret)->certificate);
  EXPECT_EQ(store.counts().value().queued, 0);
}

TEST_F(Enrolment, ARuleThatQueuesTokensKeepsOneRequestHoweverOftenItComes) {
  start(R"(
[[rule]]
name = "token"
match = { token = "required" }
action = "queue"
)");
  const auto token = mint({.certname = "web-1"});
  const std::string pem = csr("web-1");
  const auto first = present(pem, token.secret);
  const auto again = present(pem, token.secret);
  EXPECT_EQ(again->request.id, first->request.id);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(used(token), 0) << "only a certificate uses it up";
}

TEST_F(Enrolment, ATokenIsNeverPutIntoACertificate) {
  start(R"(
[[rule]]
name = "all"
match = { token = "required" }
grant = { extensions = ["*", "pp_preshared_key"] }
action = "sign"
)");
  const auto token = mint({.certname = "web-1"});
  const std::string pem =
      csr("web-1", {.extensions = {x509::utf8_extension("1.3.6.1.4.1.34380.1.1.4", token.secret)}});
  const auto outcome = submit(pem);
  ASSERT_TRUE(outcome->certificate) << "it is found there, too: " << outcome->request.trace;
  EXPECT_EQ(certificate_of(*outcome)->find("1.3.6.1.4.1.34380.1.1.4"), nullptr);
}

TEST_F(Enrolment, AnApprovalPutsNoTokenIntoACertificateEither) {
  start();
  const auto waiting = submit(
      csr("web-1", {.extensions = {x509::utf8_extension("1.3.6.1.4.1.34380.1.1.4", "cse_x")}}));
  const auto refused = approve(waiting->request.id);
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().detail, ::testing::HasSubstr("holds an enrolment token"));
}

TEST_F(Enrolment, EveryTokenOfACallIsInTheAuditWithItsBounds) {
  start();
  Authority::EnrolmentOrder order;
  order.tokens = {{.certname = "web-1"}, {.certname = "web-2", .source = {"10.0.0.0/8"}}};
  const auto made = run(authority->mint_enrolment_tokens(std::move(order), op)).value();
  const auto row = store.audit("web-2", 1).value().front();
  EXPECT_EQ(row.action, "mint");
  EXPECT_THAT(row.detail, ::testing::HasSubstr(made[1].token.id));
  EXPECT_THAT(row.detail, ::testing::HasSubstr("10.0.0.0/8"));
}

TEST_F(Enrolment, AnOrderThatMakesNoSenseIsRefused) {
  start();
  const auto order = [&](std::vector<policy::TokenBounds> tokens, std::int64_t uses = 1,
                         std::chrono::seconds lifetime = hours(1)) {
    Authority::EnrolmentOrder made;
    made.tokens = std::move(tokens);
    made.uses = uses;
    made.lifetime = lifetime;
    return run(authority->mint_enrolment_tokens(std::move(made), op));
  };
  const policy::TokenBounds web{.certname = "web-1"};
  EXPECT_EQ(order({}).error().code, Code::malformed);
  EXPECT_EQ(order(std::vector(10'001, web)).error().code, Code::malformed);
  EXPECT_EQ(order({web}, 0).error().code, Code::malformed);
  EXPECT_EQ(order({web}, 2).error().code, Code::malformed);
  EXPECT_EQ(order({web}, 1, hours(0)).error().code, Code::malformed);
  EXPECT_EQ(order({{.certname = "web-1", .profile = "none"}}).error().code, Code::malformed);
  EXPECT_EQ(order(std::vector(10'000, web))->size(), 10'000U);
}

TEST_F(Enrolment, TheStoreKeepsNoSecret) {
  start(kTokenPolicy);
  const auto token = mint({.certname = "web-1"});
  ASSERT_TRUE(present(csr("web-1"), token.secret)->certificate);
  for (const auto& row : store.audit("", 100).value()) {
    EXPECT_EQ(row.detail.find(token.secret), std::string::npos) << row.action;
  }
  EXPECT_THAT(actions("web-1"), ::testing::ElementsAre("issue", "mint"));
}

}  // namespace
}  // namespace countersign::ca
