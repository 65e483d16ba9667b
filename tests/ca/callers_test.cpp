#include "ca/permissions.h"
#include "ca/refusal_budget.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class Callers : public AuthorityTest {};

// One call of each action; every one of them is about something that is not there.
Task<Result<void>> call(Authority& authority, Action action, Caller caller) {
  const auto outcome = [](const auto& result) {
    return result.has_error() ? Result<void>(result.error()) : Result<void>();
  };
  switch (action) {
    case Action::submit: {
      Submission submission;
      submission.csr = "none";
      co_return outcome(co_await authority.submit(std::move(submission), caller));
    }
    case Action::renew:
      co_return outcome(co_await authority.renew(TestCa::get().chain.back(), caller));
    case Action::read_own:
      co_return outcome(co_await authority.request("none", caller));
    case Action::read_metrics:
      co_return outcome(co_await authority.counts(caller));
    case Action::read_expirations:
      co_return outcome(co_await authority.expirations(caller));
    case Action::read_secrets:
      co_return fail(Code::internal, "part of another call");
    case Action::appoint:
      co_return fail(Code::internal, "part of another call");
    case Action::reload_policy: {
      ReloadOrder order;
      co_return outcome(co_await authority.reload_policy(std::move(order), caller));
    }
    case Action::read_all:
      co_return outcome(co_await authority.history("none", 1, caller));
    case Action::decide:
      co_return outcome(co_await authority.approve("none", {}, caller));
    case Action::revoke:
      co_return outcome(
          co_await authority.revoke_name("none", x509::RevocationReason::superseded, caller));
    case Action::explain: {
      Submission submission;
      submission.csr = "none";
      co_return outcome(co_await authority.explain(std::move(submission), "", caller));
    }
    case Action::replay: {
      ReplayOrder order;
      order.policy = "no TOML";
      co_return outcome(co_await authority.replay(std::move(order), caller));
    }
    case Action::mint:
      co_return outcome(co_await authority.revoke_enrolment_token("none", caller));
    case Action::administer_tokens:
      co_return outcome(co_await authority.tokens(caller));
    case Action::upload_crls:
      co_return co_await authority.upload_crls("none", caller);
  }
  co_return fail(Code::internal, "no such action");
}

TEST_F(Callers, EachRoleMayDoWhatTheTableSaysAndARefusalIsAudited) {
  start();
  for (const Permission& row : kPermissions) {
    // Which parts of other calls these are, and whose, submissions and approvals show.
    if (row.action == Action::read_secrets || row.action == Action::appoint) continue;
    for (const Role role : kRoles) {
      SCOPED_TRACE(std::string(to_string(role)) + " " + std::string(to_string(row.action)));
      EXPECT_EQ(allowed(role, row.action), row.of(role));
      const std::size_t refusals = actions("").size();
      const auto result = run(call(*authority, row.action, caller_of(role)));
      const bool refused = result.has_error() && (result.error().code == Code::forbidden ||
                                                  result.error().code == Code::unauthenticated);
      EXPECT_EQ(refused, !row.of(role));
      // An upload that may be made, and is refused for what it holds, is audited as well; and so is
      // a reload.
      const bool audited =
          !row.of(role) || row.action == Action::upload_crls || row.action == Action::reload_policy;
      EXPECT_EQ(actions("").size(), refusals + (audited ? 1 : 0));
      if (refused) {
        EXPECT_EQ(result.error().code == Code::unauthenticated, role == Role::anonymous);
        const auto told = store.audit("", 1)->front();
        EXPECT_EQ(told.action, "refuse");
        EXPECT_EQ(told.actor, caller_of(role).describe());
        EXPECT_EQ(told.source, "192.0.2.1");
        EXPECT_EQ(told.request_id, "feedbeef");
      }
    }
  }
}

TEST_F(Callers, AFloodOfRefusalsFillsNeitherTheStoreNorTheAccountOfOthers) {
  start();
  for (int i = 0; i < 150; ++i) {
    run(call(*authority, Action::decide, caller_of(Role::anonymous)));
  }
  EXPECT_EQ(actions("").size(), 100U);
  run(call(*authority, Action::decide, caller_of(Role::agent)));
  EXPECT_EQ(actions("").size(), 101U);
  clock.advance(std::chrono::seconds(10));
  run(call(*authority, Action::decide, caller_of(Role::anonymous)));
  run(call(*authority, Action::decide, caller_of(Role::anonymous)));
  EXPECT_EQ(actions("").size(), 102U);
  // What was left out is counted.
  EXPECT_NE(store.audit("", 1)->front().detail.find(R"("skipped":"50")"), std::string::npos)
      << store.audit("", 1)->front().detail;
}

TEST_F(Callers, TheBudgetStandsAClockThatJumps) {
  RefusalBudget budget(clock);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(budget.take(Role::anonymous));
  EXPECT_FALSE(budget.take(Role::anonymous));
  clock.jump(-std::chrono::hours(24));
  EXPECT_FALSE(budget.take(Role::anonymous));
  clock.advance(std::chrono::seconds(10));
  EXPECT_EQ(budget.take(Role::anonymous), 2U);
  clock.advance(std::chrono::days(10'000));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(budget.take(Role::anonymous));
  EXPECT_FALSE(budget.take(Role::anonymous));
}

TEST_F(Callers, WhatAClientWritesIntoARefusalIsCutAndCleaned) {
  start();
  run([&]() -> Task<int> {
    co_await authority->audit_refusal("GET /\n\x01\xff" + std::string(1000, 'a'),
                                      caller_of(Role::anonymous));
    co_return 0;
  }());
  const std::string detail = store.audit("", 1)->front().detail;
  EXPECT_LT(detail.size(), 400U);
  EXPECT_NE(detail.find("GET /???aaa"), std::string::npos) << detail;
}

TEST_F(Callers, ATokenGivesItsRoleUntilItExpiresOrIsRevoked) {
  start();
  const auto identified = [&](const std::string& secret) {
    return run(authority->identify_token(secret, "192.0.2.9", "id"));
  };
  const auto made = run(authority->create_token("pipeline", "build", std::chrono::hours(1), admin));
  ASSERT_TRUE(made);
  const auto caller = identified(made->secret);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->role, Role::pipeline);
  EXPECT_EQ(caller->name, made->token.id);
  EXPECT_EQ(caller->source, "192.0.2.9");
  for (const std::string& wrong : {std::string(), made->secret + "x", made->secret.substr(1)}) {
    EXPECT_EQ(identified(wrong).error().code, Code::unauthenticated);
  }
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(identified(made->secret).error().code, Code::unauthenticated);

  const auto other = run(authority->create_token("auditor", "", std::nullopt, admin));
  ASSERT_TRUE(identified(other->secret));
  ASSERT_TRUE(run(authority->revoke_token(other->token.id, admin)));
  EXPECT_EQ(identified(other->secret).error().code, Code::unauthenticated);
  EXPECT_EQ(run(authority->revoke_token(other->token.id, admin)).error().code,
            Code::already_revoked);
  EXPECT_EQ(run(authority->revoke_token("none", admin)).error().code, Code::not_found);
  // The secret is nowhere in the store.
  for (const auto& row : store.audit("", 100).value()) {
    EXPECT_EQ(row.detail.find(made->secret), std::string::npos);
  }
}

TEST_F(Callers, ATokenIsNotMadeOfNonsense) {
  start();
  const auto made = [&](const char* role, std::string label, std::int64_t seconds) {
    return run(
        authority->create_token(role, std::move(label), std::chrono::seconds(seconds), admin));
  };
  EXPECT_EQ(made("agent", "", 60).error().code, Code::malformed);
  EXPECT_EQ(made("operator", std::string(257, 'x'), 60).error().code, Code::malformed);
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{-5}, INT64_MAX}) {
    EXPECT_EQ(made("operator", "", seconds).error().code, Code::malformed);
  }
  EXPECT_TRUE(made("operator", "", 60));
}

TEST_F(Callers, ACertificateMakesAnAgentOrWhatItsMarkOrTheConfigurationSays) {
  config.operators = {"chief"};
  config.standings["eve"] = {Role::auditor, nullptr};
  start();
  const auto role_of = [&](const std::string& name, std::vector<x509::Extension> extensions) {
    x509::CertificateContent content = x509::testing::leaf_content();
    content.subject = x509::common_name_only(name);
    content.extensions = std::move(extensions);
    const auto parsed = x509::Certificate::parse(x509::testing::issue(content)).value();
    return authority->identify_certificate(*parsed, "192.0.2.1", "id").role;
  };
  EXPECT_EQ(role_of("node", {}), Role::agent);
  EXPECT_EQ(role_of("chief", {}), Role::operator_);
  EXPECT_EQ(role_of("op", {x509::utf8_extension(policy::kCliAuthOid, "true")}), Role::admin);
  // The configuration's word goes before the mark's: so is an admin made less.
  EXPECT_EQ(role_of("eve", {x509::utf8_extension(policy::kCliAuthOid, "true")}), Role::auditor);
  EXPECT_EQ(role_of("op", {x509::utf8_extension(policy::kCliAuthOid, "false")}), Role::agent);
}

}  // namespace
}  // namespace countersign::ca
