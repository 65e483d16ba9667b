// A name that has a live certificate: the rule says what becomes of a request for it.
#include <gmock/gmock.h>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kPasswordOid = "1.2.840.113549.1.9.7";
constexpr const char* kSecret = "correct-horse-battery";

std::string reuse_policy(const std::string& reuse, const std::string& more = "") {
  return "default = \"deny\"\n[[rule]]\nname = \"web\"\nmatch = { challenge_password = \"" +
         std::string(kSecret) + "\" }\naction = \"sign\"\nreuse = \"" + reuse + "\"\n" + more;
}

using Serials = std::vector<Bytes>;

class ReuseTest : public AuthorityTest {
 protected:
  static std::string asking(const std::string& name, int key = 0) {
    return csr(name, {.key = key, .attribute = {kPasswordOid, kSecret}});
  }
  store::CertificateRecord row(const Bytes& serial) {
    return store.certificate(authority_issuer(), serial).value().value();
  }
  std::string authority_issuer() { return store.issuers().value().front().id; }
  // Serials of the name that are neither revoked nor expired.
  std::vector<Bytes> living(const std::string& name) {
    std::vector<Bytes> list;
    for (const auto& one : store.certificates_of(name).value()) {
      if (store::state_of(one, clock.now()) == store::CertificateState::signed_) {
        list.push_back(one.serial);
      }
    }
    return list;
  }
  Bytes enrol(const std::string& name, int key = 0) {
    return submit(asking(name, key)).value().certificate.value().serial;
  }
  static constexpr int kSuperseded = static_cast<int>(x509::RevocationReason::superseded);
};

TEST_F(ReuseTest, RefuseIsTheAnswerOfAPolicyThatSaysNothingOfIt) {
  for (const char* reuse : {"refuse", "same_key", "queue", "replace"}) {
    start(reuse_policy(reuse));
    const std::string name = std::string("web-") + (reuse[0] == 's' ? "same" : reuse);
    const Bytes first = enrol(name);
    // No rule matches this one: it is refused, not denied, and nothing is stored.
    const auto stranger = submit(csr(name, {.key = 1}));
    ASSERT_TRUE(stranger.has_error()) << reuse;
    EXPECT_EQ(stranger.error().code, Code::certificate_exists);
    EXPECT_EQ(stranger.error().detail,
              name + " already has a signed certificate; ignoring certificate request");
    EXPECT_EQ(store.requests_of(name, 9).value().size(), 1U);
    if (std::string(reuse) == "refuse") {
      EXPECT_EQ(submit(asking(name, 1)).error().code, Code::certificate_exists);
    }
    EXPECT_EQ(living(name), Serials{first});
  }
}

TEST_F(ReuseTest, ReplaceRevokesEveryLiveCertificateOfTheNameInTheSameCommit) {
  config.puppet.allow_auto_renewal = true;
  config.crl_delay = std::chrono::seconds(0);
  start(reuse_policy("replace"));
  const Bytes first = enrol("web-1");
  const auto renewed =
      run(authority->renew(x509::Certificate::parse(row(first).der).value(), op)).value();
  ASSERT_EQ(living("web-1").size(), 2U);
  const auto before = authority->revocations();
  const auto second = submit(asking("web-1", 1));
  ASSERT_TRUE(second.has_value()) << second.error().detail;
  ASSERT_TRUE(second->certificate);
  EXPECT_EQ(living("web-1"), Serials{second->certificate->serial});
  for (const Bytes& old : {first, renewed.serial}) {
    EXPECT_EQ(row(old).revocation.value().reason, kSuperseded);
  }
  EXPECT_EQ(store.current_certificate("web-1").value()->serial, second->certificate->serial);
  EXPECT_EQ(authority->revocations(), before + 2) << "kept connections are asked anew";
  EXPECT_THAT(second->request.trace,
              AllOf(HasSubstr("is revoked (superseded)"), HasSubstr(to_hex(renewed.serial))));
  const auto history = store.audit("web-1", 9).value();
  EXPECT_EQ(history[0].action, "issue");
  EXPECT_EQ(history[1].action, "revoke");
  EXPECT_THAT(history[1].detail,
              AllOf(HasSubstr("superseded"), HasSubstr(to_hex(second->certificate->serial))));
  EXPECT_EQ(history[2].action, "revoke");
}

TEST_F(ReuseTest, AReplacementThatIsNotStoredRevokesNothing) {
  start(reuse_policy("replace"));
  const Bytes first = enrol("web-1");
  store.failing = true;
  EXPECT_EQ(submit(asking("web-1", 1)).error().code, Code::unavailable);
  store.failing = false;
  EXPECT_EQ(living("web-1"), Serials{first});
}

TEST_F(ReuseTest, TheSameRequestAgainGetsItsCertificateAgainAndReplacesNothing) {
  start(reuse_policy("replace"));
  enrol("web-1");
  const std::string pem = asking("web-1", 1);
  const auto second = submit(pem);
  const auto again = submit(pem);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->certificate->serial, second->certificate->serial);
}

TEST_F(ReuseTest, OfManyWhoReplaceOneNameAtOnceTheLastStandsAndAllOthersAreRevoked) {
  config.workers = 4;
  start(reuse_policy("replace"));
  enrol("web-1");
  for (int round = 0; round < 5; ++round) {
    std::vector<Task<Result<Submitted>>> tasks;
    for (int i = 0; i < 6; ++i) {
      Submission submission;
      submission.csr = asking("web-1", i % 4);
      tasks.push_back(authority->submit(std::move(submission), caller_of(Role::anonymous)));
    }
    int signed_ones = 0;
    for (const auto& outcome : race(std::move(tasks))) {
      if (outcome.has_value()) {
        EXPECT_TRUE(outcome->certificate);
        ++signed_ones;
      } else {
        EXPECT_EQ(outcome.error().code, Code::overloaded) << outcome.error().detail;
      }
    }
    EXPECT_GE(signed_ones, 1);
    const auto current = store.current_certificate("web-1").value().value();
    EXPECT_EQ(living("web-1"), Serials{current.serial});
  }
}

TEST_F(ReuseTest, SameKeyIsARenewalWithoutTheOldCertificate) {
  start(reuse_policy("same_key"));
  const Bytes first = enrol("web-1");
  const auto again = submit(asking("web-1"));
  ASSERT_TRUE(again.has_value()) << again.error().detail;
  ASSERT_TRUE(again->certificate);
  EXPECT_FALSE(again->repeated);
  EXPECT_EQ(living("web-1"), (Serials{again->certificate->serial, first}))
      << "the old one stays valid, as after a renewal";
  EXPECT_EQ(store.current_certificate("web-1").value()->serial, again->certificate->serial);
  const auto stranger = submit(asking("web-1", 1));
  EXPECT_EQ(stranger.error().code, Code::certificate_exists);
}

TEST_F(ReuseTest, ANameStaysInUseWhileAnOlderCertificateOutlivesTheNewest) {
  config.puppet.allow_auto_renewal = true;
  config.puppet.auto_renewal_cert_ttl = hours(1);
  for (const char* reuse : {"refuse", "same_key", "replace"}) {
    start(reuse_policy(reuse));
    const std::string name = std::string("web-") + (reuse[0] == 's' ? "same" : reuse);
    const Bytes first = enrol(name);
    const auto renewed =
        run(authority->renew(x509::Certificate::parse(row(first).der).value(), op)).value();
    clock.advance(hours(2));
    ASSERT_EQ(living(name), Serials{first}) << "the newest has expired";
    EXPECT_EQ(submit(csr(name, {.key = 1})).error().code, Code::certificate_exists) << reuse;
    const auto plan = run(authority->explain({.csr = asking(name, 1)}, "", op)).value();
    if (std::string(reuse) == "replace") {
      const auto next = submit(asking(name, 1));
      ASSERT_TRUE(next.has_value()) << next.error().detail;
      EXPECT_EQ(living(name), Serials{next->certificate->serial});
      EXPECT_EQ(row(first).revocation.value().reason, kSuperseded);
      continue;
    }
    EXPECT_EQ(submit(asking(name, 1)).error().code, Code::certificate_exists) << reuse;
    if (std::string(reuse) == "same_key") {
      EXPECT_EQ(plan.decision.action, policy::Action::deny);
      const auto next = submit(asking(name));
      ASSERT_TRUE(next.has_value()) << next.error().detail;
      EXPECT_EQ(living(name), (Serials{next->certificate->serial, first}));
    }
    const Authority::Clean clean{.revoke = false};
    ASSERT_TRUE(run(authority->clean(name, clean, op)).has_value());
    EXPECT_TRUE(submit(asking(name, 1)).has_value()) << "a cleaned name is free";
  }
}

TEST_F(ReuseTest, QueueWaitsWithTheSerialAndTheApprovalReplaces) {
  start(reuse_policy("queue"));
  const Bytes first = enrol("web-1");
  const std::string pem = asking("web-1", 1);
  const auto waiting = submit(pem);
  ASSERT_TRUE(waiting.has_value()) << waiting.error().detail;
  EXPECT_EQ(waiting->request.state, store::RequestState::queued);
  EXPECT_THAT(waiting->request.reason,
              AllOf(HasSubstr("rule 'web'"), HasSubstr(to_hex(first)), HasSubstr("revokes")));
  EXPECT_TRUE(submit(pem)->repeated);
  EXPECT_EQ(submit(asking("web-1", 2)).error().code, Code::request_exists);
  EXPECT_EQ(submit(csr("web-1", {.key = 2})).error().code, Code::certificate_exists)
      << "what no rule matches hears nothing of the queue";
  EXPECT_EQ(run(authority->preview(waiting->request, {}, op))->revokes, Serials{first});
  const auto free = submit(asking("web-2"));
  EXPECT_EQ(run(authority->preview(free->request, {}, op))->revokes, Serials{});
  const auto approved = approve(waiting->request.id);
  ASSERT_TRUE(approved.has_value()) << approved.error().detail;
  EXPECT_EQ(living("web-1"), Serials{approved->certificate->serial});
  EXPECT_EQ(row(first).revocation.value().reason, kSuperseded);
}

TEST_F(ReuseTest, AnApprovalTakesTheNameAsItIsByThen) {
  start(reuse_policy("queue"));
  const auto wait_for = [&](const std::string& name) {
    enrol(name);
    return submit(asking(name, 1))->request.id;
  };
  // Revoked meanwhile: a person may still give the name away.
  std::string id = wait_for("web-revoked");
  ASSERT_TRUE(
      run(authority->revoke_name("web-revoked", x509::RevocationReason::key_compromise, op)));
  ASSERT_TRUE(approve(id).has_value());
  EXPECT_EQ(living("web-revoked").size(), 1U);
  // Freed meanwhile.
  id = wait_for("web-freed");
  Authority::Clean only_certificates;
  only_certificates.requests = false;
  ASSERT_TRUE(run(authority->clean("web-freed", only_certificates, op)).has_value());
  ASSERT_TRUE(approve(id).has_value());
  EXPECT_EQ(living("web-freed").size(), 1U);
}

TEST_F(ReuseTest, ARuleThatQueuesNamesTheCertificateToo) {
  start(R"(
[[rule]]
name = "free"
match = { live_certificate = false }
action = "sign"
[[rule]]
name = "same"
match = { certname_regex = 'same-.*' }
action = "queue"
reason = "a person looks"
reuse = "same_key"
[[rule]]
name = "used"
match = { live_certificate = true }
action = "queue"
reason = "ask the team"
reuse = "queue"
)");
  const Bytes first = submit(csr("db-1"))->certificate->serial;
  const auto waiting = submit(csr("db-1", {.key = 1}));
  EXPECT_THAT(waiting->request.reason,
              AllOf(HasSubstr("ask the team; "), HasSubstr(to_hex(first))));
  EXPECT_TRUE(approve(waiting->request.id).has_value());
  EXPECT_EQ(living("db-1").size(), 1U);

  submit(csr("same-1"));
  EXPECT_EQ(submit(csr("same-1", {.key = 1})).error().code, Code::certificate_exists);
  const auto same = submit(csr("same-1"));
  EXPECT_THAT(same->request.reason, HasSubstr("which an approval leaves valid"));
  EXPECT_TRUE(approve(same->request.id).has_value());
  EXPECT_EQ(living("same-1").size(), 2U);
}

TEST_F(ReuseTest, ARevokedNameStaysTakenAndAnExpiredOneIsFree) {
  for (const char* reuse : {"queue", "same_key", "replace"}) {
    start(reuse_policy(reuse));
    const std::string name = std::string("web-") + (reuse[0] == 's' ? "same" : reuse);
    enrol(name);
    ASSERT_TRUE(run(authority->revoke_name(name, x509::RevocationReason::key_compromise, op)));
    for (const int key : {0, 1}) {
      EXPECT_EQ(submit(asking(name, key)).error().code, Code::revoked_exists) << reuse;
    }
  }
  const Bytes old = enrol("web-9");
  clock.advance(hours(24 * 365 * 10));
  EXPECT_TRUE(submit(asking("web-9", 1))->certificate);
  EXPECT_FALSE(row(old).revocation) << "there is nothing to revoke in what has expired";
}

TEST_F(ReuseTest, AReservedNameIsHeldAndItsApprovalReplaces) {
  start(reuse_policy("replace"));
  Approval reserved;
  reserved.reserved_names = true;
  const auto first = approve(submit(asking("ca.example.com"))->request.id, reserved);
  ASSERT_TRUE(first.has_value()) << first.error().detail;
  const auto waiting = submit(asking("ca.example.com", 1));
  EXPECT_THAT(waiting->request.reason,
              AllOf(HasSubstr("CA service itself"), HasSubstr(to_hex(first->certificate->serial))));
  ASSERT_TRUE(approve(waiting->request.id, reserved).has_value());
  EXPECT_EQ(living("ca.example.com").size(), 1U);
}

TEST_F(ReuseTest, PuppetsSettingSpeaksWhereNoRuleDoes) {
  config.puppet.allow_duplicate_certs = true;
  config.puppet.autosign = PuppetSettings::Autosign::all;
  start(reuse_policy("replace"));
  const auto put = [&](const std::string& pem) { return submit(pem, true); };
  // By autosign: as Puppet does, the old one stays valid.
  ASSERT_TRUE(put(csr("node-1"))->certificate);
  ASSERT_TRUE(put(csr("node-1", {.key = 1}))->certificate);
  EXPECT_EQ(living("node-1").size(), 2U);
  // By the rule: replaced.
  const auto replaced = put(asking("node-1", 2));
  ASSERT_TRUE(replaced->certificate);
  EXPECT_EQ(living("node-1"), Serials{replaced->certificate->serial});
  // Not over REST.
  EXPECT_EQ(submit(csr("node-1", {.key = 3})).error().code, Code::certificate_exists);
}

TEST_F(ReuseTest, AnEnrolmentTokenReplacesOnceAndALostAnswerIsHadAgain) {
  start(R"(
default = "deny"
[[rule]]
name = "token"
match = { token = "required" }
action = "sign"
reuse = "replace"
)");
  const auto mint = [&] {
    Authority::EnrolmentOrder order;
    order.tokens = {policy::TokenBounds{.certname = "web-1"}};
    return run(authority->mint_enrolment_tokens(std::move(order), op)).value().front().secret;
  };
  const auto present = [&](int key, const std::string& secret) {
    Submission submission;
    submission.csr = csr("web-1", {.key = key});
    submission.token = Secret(std::string(secret));
    return run(authority->submit(std::move(submission), caller_of(Role::anonymous)));
  };
  const std::string first = mint();
  ASSERT_TRUE(present(0, first)->certificate);
  EXPECT_EQ(present(1, first).error().code, Code::certificate_exists) << "the token is used up";
  const std::string second = mint();
  const auto replaced = present(1, second);
  ASSERT_TRUE(replaced->certificate);
  const auto again = present(1, second);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(living("web-1"), Serials{replaced->certificate->serial});
}

TEST_F(ReuseTest, ExplainSaysWhatWouldBecomeOfTheName) {
  const std::pair<const char*, std::pair<policy::Action, const char*>> cases[] = {
      {"replace", {policy::Action::sign, "says sign"}},
      {"same_key", {policy::Action::deny, "already has a signed certificate"}},
      {"queue", {policy::Action::queue, "an approval revokes"}},
  };
  for (const auto& [reuse, wanted] : cases) {
    start(reuse_policy(reuse));
    const std::string name = std::string("web-") + (reuse[0] == 's' ? "same" : reuse);
    const Bytes first = enrol(name);
    const auto explained = run(authority->explain({.csr = asking(name, 1)}, "192.0.2.1", op));
    ASSERT_TRUE(explained.has_value()) << explained.error().detail;
    EXPECT_EQ(explained->decision.action, wanted.first) << reuse;
    EXPECT_THAT(explained->decision.reason, HasSubstr(wanted.second)) << reuse;
    EXPECT_EQ(living(name), Serials{first}) << "nothing was done";
  }
}

TEST_F(ReuseTest, ExplainSaysWhatElseHoldsARequestBack) {
  start("default = \"queue\"\n[[rule]]\nname = \"web\"\nmatch = { challenge_password = \"" +
        std::string(kSecret) + "\" }\naction = \"sign\"\n");
  const auto explain = [&](const std::string& pem) {
    return run(authority->explain({.csr = pem}, "", op)).value().decision;
  };
  const auto reserved = explain(asking("ca.example.com"));
  EXPECT_EQ(reserved.action, policy::Action::queue);
  EXPECT_THAT(reserved.reason, HasSubstr("only an operator can sign it"));
  ASSERT_EQ(submit(csr("web-1"))->request.state, store::RequestState::queued);
  const auto taken = explain(asking("web-1", 1));
  EXPECT_EQ(taken.action, policy::Action::deny);
  EXPECT_THAT(taken.reason, HasSubstr("already has a requested certificate"));
  EXPECT_EQ(explain(csr("web-1")).action, policy::Action::queue) << "its own request";
}

}  // namespace
}  // namespace countersign::ca
