#include <gmock/gmock.h>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

constexpr const char* kOpen = R"(
[[rule]]
name = "web"
match = { certname_regex = 'web-[0-9]+' }
action = "sign"
)";
constexpr const char* kShut = R"(
[[rule]]
name = "nobody"
match = { certname_regex = 'web-.*' }
action = "deny"
reason = "a slip"
)";

class PolicyGuard : public AuthorityTest {
 protected:
  void SetUp() override { config.policy_guard_percent = 20; }
  // `web` requests that the policy signs, and `others` that wait.
  void day(int web, int others = 0) {
    for (int i = 0; i < web; ++i) {
      ASSERT_TRUE(submit(csr("web-" + std::to_string(i)))->certificate) << i;
    }
    for (int i = 0; i < others; ++i) {
      ASSERT_TRUE(submit(csr("db-" + std::to_string(i), {.key = 1}))) << i;
    }
  }
  Result<PolicyReload> reload(bool force = false, std::string digest = "") {
    ReloadOrder order;
    order.force = force;
    order.digest = std::move(digest);
    return run(authority->reload_policy(std::move(order), admin));
  }
  std::string last_detail() { return store.audit("", 1).value().front().detail; }
};

TEST_F(PolicyGuard, APolicyThatChangesTooMuchIsRefusedAndTheOldOneStays) {
  start(kOpen);
  day(12, 12);
  folder.write("policy.toml", kShut);
  const auto refused = authority->reload_policy();
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Code::conflict);
  for (const char* part :
       {"12 of the 24 requests of the last day", "= 20%", "The old one stays",
        "sign by 'web' becomes deny by 'nobody' (12)", "policy reload --force"}) {
    EXPECT_THAT(refused.error().detail, HasSubstr(part));
  }
  EXPECT_EQ(authority->health().policy_error, refused.error().detail);
  EXPECT_TRUE(authority->health().ready);
  EXPECT_TRUE(submit(csr("web-99"))->certificate);
}

TEST_F(PolicyGuard, ForceTakesWhatWasJudgedAndTheAuditHasTheNumbers) {
  start(kOpen);
  day(12);
  folder.write("policy.toml", kShut);
  const auto refused = reload();
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->refusal, "");
  EXPECT_THAT(last_detail(), HasSubstr(R"("taken":"no")"));
  // Written again since it was judged: that is another policy, whoever wrote it.
  folder.write("policy.toml", "default = 'deny'\n" + std::string(kShut));
  const auto other = reload(true);
  ASSERT_TRUE(other);
  EXPECT_THAT(other->refusal, HasSubstr("not the one that was judged before"));
  EXPECT_NE(other->digest, refused->digest);
  // And by the name of the first nobody takes the second.
  EXPECT_NE(reload(true, refused->digest)->refusal, "");
  EXPECT_TRUE(submit(csr("web-98"))->certificate);
  const auto taken = reload(true, other->digest);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->refusal, "");
  EXPECT_TRUE(taken->forced);
  for (const char* part :
       {R"("taken":"yes")", R"("forced":"yes")", R"("requests":"12")", R"("changed":"12")"}) {
    EXPECT_THAT(last_detail(), HasSubstr(part));
  }
  EXPECT_EQ(authority->health().policy_error, "");
  EXPECT_EQ(submit(csr("web-97"))->request.state, store::RequestState::denied);
  // It is in force now: the same file again is no change.
  EXPECT_EQ(reload()->refusal, "");
}

TEST_F(PolicyGuard, AFewRequestsAreNoReasonToRefuse) {
  start(kOpen);
  day(9);
  folder.write("policy.toml", kShut);
  EXPECT_TRUE(authority->reload_policy());
}

TEST_F(PolicyGuard, NorIsASmallShareOfMany) {
  start(kOpen);
  day(12, 48);  // 20 % of 60, and not more
  folder.write("policy.toml", kShut);
  EXPECT_TRUE(authority->reload_policy());
}

TEST_F(PolicyGuard, OnlyTheLastDayCounts) {
  start(kOpen);
  day(12);
  clock.advance(std::chrono::hours(25));
  folder.write("policy.toml", kShut);
  EXPECT_TRUE(authority->reload_policy());
}

TEST_F(PolicyGuard, AListCountsAsMuchAsThePolicy) {
  std::string names;
  for (int i = 0; i < 12; ++i) names += "web-" + std::to_string(i) + "\n";
  folder.write("allow.txt", names);
  start("[[rule]]\nname = 'listed'\nmatch = { certname_file = 'allow.txt' }\naction = 'sign'\n");
  day(12);
  folder.write("allow.txt", "web-0\n");
  const auto refused = authority->reload_policy();
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().detail, HasSubstr("11 of the 12"));
  // Put back, it is what is in force.
  folder.write("allow.txt", names);
  EXPECT_TRUE(authority->reload_policy());
  EXPECT_EQ(authority->health().policy_error, "");
}

TEST_F(PolicyGuard, AtTheStartThereIsNoOlderPolicyToStayWith) {
  start(kOpen);
  day(12);
  start(kShut);
  EXPECT_EQ(submit(csr("web-99"))->request.state, store::RequestState::denied);
}

TEST_F(PolicyGuard, OnlyAnAdminForcesIt) {
  start(kOpen);
  for (const Role role : {Role::pipeline, Role::auditor, Role::operator_}) {
    EXPECT_EQ(run(authority->reload_policy({}, caller_of(role))).error().code, Code::forbidden);
  }
}

TEST_F(PolicyGuard, WhatWasRefusedIsSeenAgainByTheLoopOnlyWhenItChanges) {
  start(kOpen);
  day(12);
  Loop loop(*authority);
  folder.write("policy.toml", kShut);
  ASSERT_TRUE(eventually([&] { return !authority->health().policy_error.empty(); }));
  folder.write("policy.toml", kOpen);
  EXPECT_TRUE(eventually([&] { return authority->health().policy_error.empty(); }));
}

}  // namespace
}  // namespace countersign::ca
