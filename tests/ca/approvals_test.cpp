// Requests that several people must approve, and those that nobody decides.
#include <algorithm>

#include "ca/approvers.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr const char* kTwo = R"(
default = "queue"

[[rule]]
name = "databases"
match = { certname_regex = 'db-.*' }
action = "queue"
approvals = 2

[[rule]]
name = "limited"
match = { certname_regex = 'lim-.*' }
action = "sign"
approvals = 3
[rule.limit]
rule = "1/h"
)";

class Approvals : public AuthorityTest {
 protected:
  static Caller named(const std::string& name, Role role = Role::operator_) {
    Caller caller = caller_of(role);
    caller.name = name;
    return caller;
  }
  Result<Submitted> by(const std::string& name, const std::string& id,
                       const Approval& approval = {}) {
    return run(authority->approve(id, approval, named(name)));
  }
  std::string queued(const std::string& name, const Asked& asked = {}) {
    const auto outcome = submit(csr(name, asked));
    EXPECT_EQ(outcome->request.state, store::RequestState::queued);
    return outcome->request.id;
  }
  void add_token(const std::string& id, const std::string& creator) {
    const std::vector<store::WriteBatch> batches = {
        {store::InsertToken{{.id = id,
                             .hash = x509::sha256(as_bytes(id)),
                             .role = "operator",
                             .label = "",
                             .created_by = creator,
                             .created_at = clock.now()}}}};
    ASSERT_TRUE(store.apply(batches).at(0).has_value());
  }
};

TEST_F(Approvals, APersonIsWhoeverStandsAtTheBeginningOfHisCredentials) {
  config.people = {{"alice-desk", "alice"}, {"alice-laptop", "alice"}};
  start();
  add_token("T1", "operator:alice-desk");
  add_token("T2", "operator:T1");
  add_token("T3", "pipeline:T2");
  add_token("T4", "operator");
  add_token("T5", "operator:T4");
  add_token("T6", "operator:T6");
  const struct {
    const char* credential;
    std::string person;
  } cases[] = {{"operator:bob", "bob"},
               {"operator:alice-laptop", "alice"},
               {"operator:alice", "alice"},
               {"operator:T1", "alice"},
               {"operator:T2", "alice"},
               {"pipeline:T3", "alice"},
               {"operator:T4", std::string(kUnknownPerson)},
               {"operator:T5", std::string(kUnknownPerson)},
               {"operator:T6", std::string(kUnknownPerson)},
               {"anonymous", std::string(kUnknownPerson)}};
  for (const auto& one : cases) {
    EXPECT_EQ(person_of(store, config, one.credential).value(), one.person) << one.credential;
  }
}

TEST_F(Approvals, TheLastOfThemSignsAndTheAuditNamesAll) {
  start(kTwo);
  const std::string id = queued("db-1");
  EXPECT_EQ(store.request(id).value()->approvals_needed, 2);
  const auto first = by("alice", id);
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(first->approvals_missing, 1);
  EXPECT_EQ(first->request.state, store::RequestState::queued);
  EXPECT_FALSE(first->certificate);
  const auto last = by("bob", id);
  ASSERT_TRUE(last) << last.error().detail;
  EXPECT_EQ(last->approvals_missing, 0);
  EXPECT_TRUE(last->certificate);
  EXPECT_EQ(actions("db-1"), (std::vector<std::string>{"approve", "vote", "queue"}));
  EXPECT_EQ(store.request(id).value()->approvals.size(), 2U);
}

TEST_F(Approvals, WhoCountsAlreadyAndWhoSubmittedItAreRefusedAndAudited) {
  start(kTwo);
  Submission submission;
  submission.csr = csr("db-1");
  const std::string id = run(authority->submit(std::move(submission), named("carol")))->request.id;
  EXPECT_EQ(by("carol", id).error().code, Code::forbidden);
  ASSERT_TRUE(by("alice", id));
  EXPECT_EQ(by("alice", id).error().code, Code::already_approved);
  EXPECT_EQ(actions("db-1"), (std::vector<std::string>{"refuse", "vote", "refuse", "queue"}));
  // Where one is enough, one's own request is one's own affair.
  submission.csr = csr("app-1");
  const std::string own = run(authority->submit(std::move(submission), named("carol")))->request.id;
  EXPECT_TRUE(by("carol", own));
}

TEST_F(Approvals, APreviewSaysWhoApprovedAndWhetherTheCallerMay) {
  start(kTwo);
  const std::string id = queued("db-1");
  ASSERT_TRUE(by("alice", id));
  const auto row = store.request(id).value().value();
  const auto again = run(authority->preview(row, {}, named("alice")));
  EXPECT_EQ(again->approvals_needed, 2);
  EXPECT_EQ(again->approved_by, std::vector<std::string>{"alice"});
  EXPECT_EQ(again->not_by_caller->code, Code::already_approved);
  const auto other = run(authority->preview(row, {}, named("bob")));
  EXPECT_FALSE(other->not_by_caller);
  EXPECT_EQ(other->etag, again->etag);
  const auto longer =
      run(authority->preview(row, {.validity = std::chrono::hours(1)}, named("alice")));
  EXPECT_TRUE(longer->approved_by.empty()) << "it would be another certificate";
  EXPECT_NE(longer->etag, again->etag);
}

TEST_F(Approvals, AnApprovalOfWhatWasNotPreviewedIsRefused) {
  start(kTwo);
  const std::string id = queued("app-1");
  const std::string other = queued("app-2");
  const auto etag = [&](const std::string& of) {
    return run(authority->preview(store.request(of).value().value(), {}, op))->etag;
  };
  EXPECT_EQ(by("alice", id, {.if_match = etag(other)}).error().code, Code::conflict);
  EXPECT_EQ(by("alice", id, {.validity = std::chrono::hours(1), .if_match = etag(id)}).error().code,
            Code::conflict);
  EXPECT_TRUE(by("alice", id, {.if_match = etag(id)}));
}

TEST_F(Approvals, WhatARuleThatSignsHoldsBackNeedsAsManyAsItSays) {
  start(kTwo);
  EXPECT_EQ(submit(csr("lim-1"))->request.state, store::RequestState::signed_);
  const std::string id = queued("lim-2", {.key = 1});
  EXPECT_EQ(store.request(id).value()->approvals_needed, 3);
  EXPECT_NE(store.request(id).value()->reason.find("3 people must approve it"), std::string::npos);
}

TEST_F(Approvals, ANameThatMakesAnOperatorNeedsTheMostThatThePolicyAsksFor) {
  config.operators = {"mallory"};
  start(kTwo);
  const std::string id = queued("mallory");
  EXPECT_EQ(store.request(id).value()->approvals_needed, 3);
  const Approval meant{.reserved_names = true};
  EXPECT_EQ(by("alice", id, meant).error().code, Code::forbidden) << "an admin's word is needed";
  const auto only = run(authority->approve(id, meant, named("alice", Role::admin)));
  ASSERT_TRUE(only) << only.error().detail;
  EXPECT_EQ(only->approvals_missing, 2);
}

TEST_F(Approvals, AWeakerPolicyLeavesWhatWaitsAsItIs) {
  start(kTwo);
  const std::string id = queued("db-1");
  start("default = \"queue\"\n");
  EXPECT_EQ(by("alice", id)->approvals_missing, 1);
}

TEST_F(Approvals, AStaleRequestExpiresAndItsMachineIsHeardAgain) {
  config.queue_expire_after = std::chrono::hours(1);
  start(kTwo);
  const std::string pem = csr("db-1");
  const std::string id = submit(pem)->request.id;
  ASSERT_TRUE(by("alice", id));
  clock.advance(std::chrono::minutes(59));
  const std::string young = queued("db-2");
  clock.advance(std::chrono::minutes(2));
  {
    const Loop loop(*authority);
    ASSERT_TRUE(eventually(
        [&] { return store.request(id).value()->state == store::RequestState::expired; }));
  }
  EXPECT_EQ(store.request(young).value()->state, store::RequestState::queued);
  EXPECT_EQ(actions("db-1"), (std::vector<std::string>{"expire", "vote", "queue"}));
  EXPECT_EQ(by("bob", id).error().code, Code::conflict);
  const auto again = submit(pem);
  EXPECT_NE(again->request.id, id);
  EXPECT_EQ(again->request.state, store::RequestState::queued);
  EXPECT_TRUE(store.request(again->request.id).value()->approvals.empty());
}

TEST_F(Approvals, NothingExpiresWhereTheConfigurationSaysNever) {
  config.queue_expire_after.reset();
  start(kTwo);
  const std::string id = queued("db-1");
  clock.advance(std::chrono::days(7000));  // within the life of the CA
  const Timestamp before = authority->crl_this_update();
  {
    const Loop loop(*authority);
    // The loop makes a CRL that is due, in the same round.
    ASSERT_TRUE(eventually([&] { return authority->crl_this_update() > before; }));
  }
  EXPECT_EQ(store.request(id).value()->state, store::RequestState::queued);
}

}  // namespace
}  // namespace countersign::ca
