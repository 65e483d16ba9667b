#include <gmock/gmock.h>

#include "ca/permissions.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kScopePolicy = R"(
default = "queue"

[[rule]]
name = "ci machines"
match = { certname_regex = 'ci-[0-4]' }
action = "sign"

[[rule]]
name = "more of ci"
match = { certname_regex = 'ci-[0-9]+' }
action = "sign"

[[rule]]
name = "waiting room"
match = { certname_regex = 'wait-.*' }
action = "queue"
reason = "somebody looks at these"
)";

class Scopes : public AuthorityTest {
 protected:
  static Caller narrowed(Role role, std::vector<std::string> names,
                         std::vector<std::string> rules = {}) {
    Caller caller = caller_of(role);
    caller.name = "narrow";
    caller.scope = policy::Scope::make({std::move(names), std::move(rules)}).value();
    return caller;
  }
  Result<Submitted> submit_as(const Caller& caller, const std::string& pem) {
    Submission submission;
    submission.csr = pem;
    return run(authority->submit(std::move(submission), caller));
  }
  Result<Submitted> approve_as(const Caller& caller, const std::string& id,
                               const Approval& approval = {}) {
    return run(authority->approve(id, approval, caller));
  }
  std::string last_refusal() {
    const auto rows = store.audit("", 1).value();
    return rows.empty() || rows.front().action != "refuse" ? "" : rows.front().detail;
  }
};

TEST_F(Scopes, ANarrowedCredentialDoesNothingThatIsAboutAllNames) {
  start();
  for (const Permission& row : kPermissions) {
    for (const Role role : kRoles) {
      const Caller caller = narrowed(role, {"ci-*"});
      EXPECT_EQ(allowed(caller, row.action), row.of(role) && row.narrowed)
          << to_string(role) << " " << row.what;
    }
  }
  const Caller op_of_ci = narrowed(Role::admin, {"ci-*"});
  EXPECT_EQ(run(authority->tokens(op_of_ci)).error().code, Code::forbidden);
  EXPECT_EQ(run(authority->hooks(op_of_ci)).error().code, Code::out_of_scope) << "counts all";
  EXPECT_TRUE(run(authority->hooks(op)));
}

TEST_F(Scopes, ARuleOutsideOfItSignsNothingForItButAPersonCan) {
  start(kScopePolicy);
  const Caller pipeline = narrowed(Role::pipeline, {"ci-*"}, {"ci machines"});
  EXPECT_TRUE(submit_as(pipeline, csr("ci-1"))->certificate);
  const auto held = submit_as(pipeline, csr("ci-7"));
  ASSERT_TRUE(held);
  EXPECT_EQ(held->request.state, store::RequestState::queued);
  EXPECT_THAT(held->request.reason, HasSubstr("narrowed to"));
  EXPECT_THAT(held->request.reason, HasSubstr("'ci machines'"));
  // What the rule would have granted, an approval grants.
  EXPECT_TRUE(approve(held->request.id)->certificate);
}

TEST_F(Scopes, TheSameCsrAgainDoesNotOpenAnotherName) {
  start(kScopePolicy);
  ASSERT_TRUE(submit(csr("wait-1")));
  const auto again = submit_as(narrowed(Role::pipeline, {"ci-*"}), csr("wait-1"));
  EXPECT_EQ(again.error().code, Code::out_of_scope);
  EXPECT_THAT(last_refusal(), HasSubstr("submit: 'wait-1' is outside"));
}

TEST_F(Scopes, AnApprovalReachesNoOtherNameThroughASan) {
  start(kScopePolicy);
  Asked asked;
  asked.names = {dns("a-1"), dns("db1.prod")};
  const std::string id = submit(csr("a-1", asked))->request.id;
  const Caller op_of_a = narrowed(Role::operator_, {"a-*"});
  EXPECT_EQ(approve_as(op_of_a, id).error().code, Code::out_of_scope);
  EXPECT_THAT(last_refusal(), HasSubstr("db1.prod"));
  Approval without;
  without.subject_alt_names = false;
  const auto other = submit(csr("a-2", {.names = {dns("a-2"), dns("a-3")}, .key = 1}));
  EXPECT_TRUE(approve_as(op_of_a, other->request.id)->certificate);
  EXPECT_EQ(approve_as(op_of_a, submit(csr("b-1"))->request.id).error().code, Code::out_of_scope);
}

TEST_F(Scopes, OnlyAnAdminSignsForANameThatTheConfigurationGivesARole) {
  config.operators = {"chief"};
  config.standings["boss"] = {Role::admin, nullptr};
  start(kScopePolicy);
  Approval explicitly;
  explicitly.reserved_names = true;
  int key = 0;
  for (const char* name : {"chief", "boss"}) {
    const std::string id = submit(csr(name, {.key = key++}))->request.id;
    EXPECT_EQ(approve(id).error().code, Code::not_granted);
    EXPECT_EQ(approve(id, explicitly).error().code, Code::forbidden);
    EXPECT_THAT(last_refusal(), HasSubstr("Only an admin signs for it"));
    EXPECT_EQ(approve_as(narrowed(Role::operator_, {name}), id, explicitly).error().code,
              Code::forbidden);
    EXPECT_TRUE(approve_as(admin, id, explicitly)->certificate);
  }
  // The names of the service, as before, an operator signs who says so.
  const std::string id = submit(csr("ca.example.com", {.key = 2}))->request.id;
  EXPECT_EQ(approve_as(narrowed(Role::operator_, {"ca.example.com"}), id, explicitly).error().code,
            Code::forbidden);
  EXPECT_TRUE(approve(id, explicitly)->certificate);
}

TEST_F(Scopes, RulesNarrowWhatIsSeenAndDecided) {
  start(kScopePolicy);
  const Caller porter = narrowed(Role::operator_, {}, {"waiting room"});
  const std::string waits = submit(csr("wait-1"))->request.id;
  const std::string other = submit(csr("else-1", {.key = 1}))->request.id;
  const auto signed_by_rule = submit(csr("ci-1", {.key = 2}))->certificate.value();
  const auto seen = run(authority->requests({}, porter)).value();
  ASSERT_EQ(seen.rows.size(), 1U);
  EXPECT_EQ(seen.rows.front().id, waits);
  EXPECT_EQ(seen.next, "");
  EXPECT_EQ(run(authority->request(other, porter)).error().code, Code::out_of_scope);
  EXPECT_EQ(run(authority->deny(other, "no", porter)).error().code, Code::out_of_scope);
  EXPECT_EQ(run(authority->revoke(signed_by_rule.serial, {}, porter)).error().code,
            Code::out_of_scope);
  EXPECT_EQ(run(authority->revoke_name("ci-1", {}, porter)).error().code, Code::out_of_scope);
  EXPECT_EQ(run(authority->clean("ci-1", {}, porter)).error().code, Code::out_of_scope);
  EXPECT_EQ(run(authority->clean("else-1", {}, porter)).error().code, Code::out_of_scope);
  // Approved by hand, it is still of the rule that queued it.
  const auto approved = approve_as(porter, waits)->certificate.value();
  EXPECT_EQ(run(authority->certificates({}, porter)).value().rows.size(), 1U);
  for (const auto& row : run(authority->audit({}, porter)).value().rows) {
    EXPECT_TRUE(row.subject == "wait-1" || row.actor == porter.describe()) << row.action;
  }
  EXPECT_TRUE(run(authority->revoke(approved.serial, {}, porter)));
}

TEST_F(Scopes, ATokenThatItMakesIsGoodForItsRulesAlone) {
  start(R"(
[[rule]]
name = "ci machines"
match = { certname_regex = 'ci-[0-4]', token = "required" }
action = "sign"
[[rule]]
name = "more of ci"
match = { certname_regex = 'ci-[0-9]+', token = "required" }
action = "sign"
)");
  const Caller minter = narrowed(Role::pipeline, {"ci-*"}, {"ci machines"});
  const auto mint = [&](const std::string& bounds) {
    Authority::EnrolmentOrder order;
    order.tokens = {policy::parse_token_bounds(bounds).value()};
    return run(authority->mint_enrolment_tokens(std::move(order), minter));
  };
  EXPECT_EQ(mint(R"({"certname":"ci-1","rules":["more of ci"]})").error().code, Code::out_of_scope);
  EXPECT_THAT(last_refusal(), HasSubstr("mint: "));
  const auto enrol = [&](const char* name, int key) {
    const auto made = mint(std::string(R"({"certname":")") + name + "\"}").value();
    Submission submission;
    submission.csr = csr(name, {.key = key});
    submission.token = Secret(made.front().secret);
    return run(authority->submit(std::move(submission), caller_of(Role::anonymous)));
  };
  EXPECT_TRUE(enrol("ci-1", 0)->certificate);
  const auto other = enrol("ci-7", 1);
  EXPECT_EQ(other->request.state, store::RequestState::queued);
  EXPECT_THAT(other->request.trace, HasSubstr("the token is for other rules"));
  // And it sees and ends its own kind only.
  Authority::EnrolmentOrder order;
  order.tokens = {policy::parse_token_bounds(R"({"certname":"web-1"})").value()};
  const auto foreign = run(authority->mint_enrolment_tokens(std::move(order), op)).value();
  EXPECT_EQ(run(authority->enrolment_tokens({}, minter)).value().rows.size(), 2U);
  EXPECT_EQ(run(authority->revoke_enrolment_token(foreign.front().token.id, minter)).error().code,
            Code::out_of_scope);
}

TEST_F(Scopes, ATokensScopeIsThatOfItsBearer) {
  start(kScopePolicy);
  const auto made = run(
      authority->create_token("pipeline", "", std::nullopt, admin, {{"ci-*"}, {"ci machines"}}));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->token.scope, R"({"certnames":["ci-*"],"rules":["ci machines"]})");
  const auto caller = run(authority->identify_token(made->secret, "192.0.2.9", "id"));
  ASSERT_TRUE(caller);
  ASSERT_TRUE(caller->scope);
  EXPECT_TRUE(in_scope(*caller, "ci-1"));
  EXPECT_FALSE(in_scope(*caller, "web-1"));
  EXPECT_EQ(
      run(authority->create_token("admin", "", std::nullopt, admin, {{"ci-*"}, {}})).error().code,
      Code::malformed);
  EXPECT_EQ(
      run(authority->create_token("operator", "", std::nullopt, admin, {{"CI?"}, {}})).error().code,
      Code::malformed);
}

TEST_F(Scopes, APageOfRulesEndsWhereTheRowsEnd) {
  start(kScopePolicy);
  std::vector<std::string> wanted;
  for (int i = 0; i < 12; ++i) {
    const std::string name = (i % 4 == 0 ? "wait-" : "else-") + std::to_string(i);
    clock.advance(std::chrono::milliseconds(1));  // ids sort by time
    const auto made = submit(csr(name, {.key = i % 4}));
    if (i % 4 == 0) wanted.push_back(made->request.id);
  }
  const Caller porter = narrowed(Role::auditor, {}, {"waiting room"});
  std::vector<std::string> found;
  store::RequestQuery query;
  query.limit = 2;
  do {
    const auto page = run(authority->requests(query, porter)).value();
    EXPECT_LE(page.rows.size(), 2U);
    for (const auto& row : page.rows) found.push_back(row.id);
    query.after = page.next;
  } while (!query.after.empty());
  EXPECT_EQ(found, wanted);
}

TEST_F(Scopes, AWatcherIsToldOfWhatHappensWithinAndOfNothingElse) {
  start(kScopePolicy);
  const Caller watcher = narrowed(Role::auditor, {"ci-*"});
  store::AuditQuery query;
  const auto none = run(authority->watch_audit(query, std::chrono::milliseconds(1), watcher));
  EXPECT_THAT(none->rows, IsEmpty());
  ASSERT_TRUE(submit(csr("else-1")));
  ASSERT_TRUE(submit(csr("ci-1", {.key = 1})));
  query.after = none->next;
  const auto page = run(authority->watch_audit(query, std::chrono::seconds(10), watcher));
  ASSERT_EQ(page->rows.size(), 1U);
  EXPECT_EQ(page->rows.front().subject, "ci-1");
  EXPECT_EQ(page->next, page->rows.front().sequence);
}

}  // namespace
}  // namespace countersign::ca
