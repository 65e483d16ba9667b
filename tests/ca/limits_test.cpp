// Limits of a rule: so many certificates in a time, and then a person decides.
#include <gmock/gmock.h>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string limit_policy(const std::string& limit, const std::string& more = "") {
  return "default = \"queue\"\n[[rule]]\nname = \"web\"\nmatch = { certname_regex = 'web-.*' }\n"
         "action = \"sign\"\nlimit = { " +
         limit + " }\n" + more;
}

class LimitsTest : public AuthorityTest {
 protected:
  Task<Result<Submitted>> asking(std::string pem, std::string source = "192.0.2.1") {
    Submission submission;
    submission.csr = std::move(pem);
    Caller caller = caller_of(Role::anonymous);
    caller.source = std::move(source);
    co_return co_await authority->submit(std::move(submission), std::move(caller));
  }
  Submitted ask(const std::string& name, const std::string& source = "192.0.2.1") {
    return run(asking(csr(name), source)).value();
  }
};

TEST_F(LimitsTest, OverTheLimitARequestWaitsAndIsToldWhichLimitAndUntilWhen) {
  start(limit_policy("rule = \"2/h\""));
  EXPECT_TRUE(ask("web-1").certificate);
  EXPECT_TRUE(ask("web-2").certificate);
  const Submitted third = ask("web-3");
  EXPECT_EQ(third.request.state, store::RequestState::queued);
  EXPECT_EQ(third.request.reason,
            "over the limit rule = 2/h of rule 'web'; asked again from 2026-06-01T13:01:00Z on, "
            "it may be signed");
  EXPECT_THAT(third.request.trace, HasSubstr("over the limit rule = 2/h"));
  EXPECT_EQ(ask("db-1").request.state, store::RequestState::queued) << "no rule";
  clock.advance(minutes(61));
  EXPECT_TRUE(ask("web-4").certificate);
}

TEST_F(LimitsTest, TheSameRequestAgainIsSignedOnceThereIsRoom) {
  start(limit_policy("rule = \"1/h\""));
  ask("web-1");
  const std::string pem = csr("web-2");
  const auto waiting = submit(pem);
  ASSERT_EQ(waiting->request.state, store::RequestState::queued);
  clock.advance(minutes(60));
  EXPECT_TRUE(submit(pem)->repeated);
  clock.advance(minutes(1));
  const auto outcome = submit(pem);
  ASSERT_TRUE(outcome->certificate);
  EXPECT_EQ(store.counts().value().queued, 0);
  EXPECT_EQ(store.request(waiting->request.id).value()->state, store::RequestState::withdrawn);
  EXPECT_TRUE(submit(pem)->repeated);
}

TEST_F(LimitsTest, AnotherRequestOfTheSameKeyIsTheSameMachineThatAsksAgain) {
  start(limit_policy("rule = \"1/h\""));
  ask("web-1");
  const auto waiting = submit(csr("web-2"));
  ASSERT_EQ(waiting->request.state, store::RequestState::queued);
  EXPECT_EQ(submit(csr("web-2")).error().code, Code::request_exists) << "there is no room yet";
  clock.advance(minutes(61));
  EXPECT_EQ(submit(csr("web-2", {.key = 1})).error().code, Code::request_exists);
  EXPECT_TRUE(submit(csr("web-2"))->certificate);
  EXPECT_EQ(store.counts().value().queued, 0);
}

TEST_F(LimitsTest, StillNoRoomKeepsTheOneRequestThatWaits) {
  start(limit_policy("rule = \"1/h\""));
  ask("web-1");
  const std::string pem = csr("web-2");
  const auto waiting = submit(pem);
  clock.advance(minutes(61));
  ASSERT_TRUE(ask("web-3").certificate) << "another was faster";
  const auto again = submit(pem);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->request.id, waiting->request.id);
  EXPECT_EQ(store.counts().value().queued, 1);
}

TEST_F(LimitsTest, AnApprovalNeedsNoRoomAndGivesWhatTheRuleGrants) {
  start(limit_policy("rule = \"1/h\"",
                     "strip = true\ngrant = { dns = [\"{certname}\", \"www.example.com\"] }"));
  ask("web-1");
  const Asked asked{.names = {dns("www.example.com"), dns("other.example.com")}};
  const auto waiting = submit(csr("web-2", asked));
  ASSERT_EQ(waiting->request.state, store::RequestState::queued);
  const auto approved = approve(waiting->request.id);
  ASSERT_TRUE(approved.has_value()) << approved.error().detail;
  EXPECT_EQ(approved->certificate->names, "DNS:web-2, DNS:www.example.com");
  EXPECT_EQ(ask("web-3").request.state, store::RequestState::queued);
}

TEST_F(LimitsTest, NamesAndSourcesCountApart) {
  start(limit_policy("source = \"2/h\""));
  EXPECT_TRUE(ask("web-1", "10.0.0.1").certificate);
  EXPECT_TRUE(ask("web-2", "10.0.0.1").certificate);
  const Submitted third = ask("web-3", "10.0.0.1");
  EXPECT_THAT(third.request.reason, HasSubstr("limit source = 2/h"));
  EXPECT_TRUE(ask("web-4", "10.0.0.2").certificate);
  EXPECT_TRUE(ask("web-5", "2001:db8::1").certificate);
  EXPECT_TRUE(ask("web-6", "2001:db8::2").certificate);
  EXPECT_FALSE(ask("web-7", "2001:db8::3").certificate);
  EXPECT_TRUE(ask("web-8", "2001:db8:0:1::1").certificate);

  start(limit_policy("name = \"2/h\"", "reuse = \"same_key\""));
  EXPECT_TRUE(ask("web-a").certificate);
  EXPECT_TRUE(ask("web-a").certificate);
  const Submitted again = ask("web-a");
  EXPECT_THAT(again.request.reason,
              AllOf(HasSubstr("limit name = 2/h"), HasSubstr("leaves valid")));
  EXPECT_TRUE(ask("web-b").certificate);
}

TEST_F(LimitsTest, FiftyAtOnceAreExactlyAsManyAsTheLimit) {
  config.workers = 4;
  start(limit_policy("rule = \"10/h\", source = \"1000/h\""));
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 50; ++i) {
    tasks.push_back(asking(csr("web-" + std::to_string(i), {.key = i % 4})));
  }
  int signed_ones = 0;
  int waiting = 0;
  for (const auto& outcome : race(std::move(tasks))) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error().detail;
    if (outcome->certificate) ++signed_ones;
    if (outcome->request.state == store::RequestState::queued) {
      ++waiting;
      EXPECT_THAT(outcome->request.reason, HasSubstr("over the limit rule = 10/h"));
    }
  }
  EXPECT_EQ(signed_ones, 10);
  EXPECT_EQ(waiting, 40);
  EXPECT_EQ(store.counts().value().certificates, 10);
}

TEST_F(LimitsTest, AnAuthorityThatStartsAnewKnowsWhatWasTaken) {
  start(limit_policy("rule = \"1/h\""));
  EXPECT_TRUE(ask("web-1").certificate);
  start(limit_policy("rule = \"1/h\""));
  EXPECT_FALSE(ask("web-2").certificate);
}

TEST_F(LimitsTest, ACertificateThatIsNotStoredTakesNothing) {
  start(limit_policy("rule = \"1/h\""));
  store.failing = true;
  EXPECT_EQ(run(asking(csr("web-1"))).error().code, Code::unavailable);
  store.failing = false;
  ASSERT_TRUE(eventually([&] { return authority->health().ready; }));
  EXPECT_TRUE(ask("web-2").certificate);
}

TEST_F(LimitsTest, AClockThatIsPutBackNeitherBarsTheWayForEverNorGivesTheLimitAnew) {
  start(limit_policy("rule = \"1/h\""));
  clock.advance(hours(24 * 300));
  EXPECT_TRUE(ask("web-1").certificate);
  const std::string pem = csr("web-0");
  ASSERT_EQ(submit(pem)->request.state, store::RequestState::queued);
  clock.advance(-hours(24 * 300));
  EXPECT_FALSE(ask("web-2").certificate) << "not given anew";
  clock.advance(minutes(62));
  EXPECT_TRUE(submit(pem)->certificate) << "not barred for 300 days";
}

TEST_F(LimitsTest, ExplainTellsOfTheLimitAndTakesNothing) {
  start(limit_policy("rule = \"1/h\""));
  const auto explain = [&] {
    return run(authority->explain({.csr = csr("web-9")}, "192.0.2.1", op)).value();
  };
  for (int i = 0; i < 3; ++i) {
    const Explanation free = explain();
    EXPECT_EQ(free.decision.action, policy::Action::sign);
    ASSERT_EQ(free.limits.size(), 1U);
    EXPECT_EQ(free.limits[0].used, 0);
    EXPECT_FALSE(free.limits[0].free_at);
  }
  ask("web-1");
  const Explanation over = explain();
  EXPECT_EQ(over.decision.action, policy::Action::queue);
  EXPECT_THAT(over.decision.reason, HasSubstr("would be over the limit rule = 1/h of rule 'web'"));
  EXPECT_EQ(over.limits[0].used, 1);
  EXPECT_TRUE(over.limits[0].free_at);
}

}  // namespace
}  // namespace countersign::ca
