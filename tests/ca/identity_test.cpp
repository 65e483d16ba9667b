// Identity documents: who proves which machine it is, is signed by that, one certificate a machine.
#include <gmock/gmock.h>

#include "ca/json_web_key_source.h"
#include "tests/ca/authority_fixture.h"
#include "tests/ca/token_maker.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;

constexpr const char* kIdentityPolicy = R"(
default = "deny"
[[rule]]
name = "machines"
match = { oidc.cloud.project = "web", certname = "{oidc.cloud.machine}.example.com" }
action = "sign"
)";
constexpr const char* kAnyName = R"(
default = "deny"
[[rule]]
name = "any name"
match = { oidc.cloud.project = "web" }
action = "sign"
)";
constexpr const char* kReusing = R"(
default = "deny"
[[rule]]
name = "machines"
match = { oidc.cloud.project = "web", certname = "{oidc.cloud.machine}.example.com" }
action = "sign"
reuse = "same_key"
)";

// Answers with what a test sets, and counts.
class FakeClient : public HttpsClient {
 public:
  Result<HttpsResponse> send(const HttpsRequest& request) const override {
    ++asked;
    const std::lock_guard lock(mutex);
    url = request.url;
    if (down) return fail(Code::unavailable, "no answer");
    HttpsResponse response;
    response.status = status;
    response.body = body;
    response.headers = headers;
    return response;
  }
  mutable std::mutex mutex;
  mutable std::string url;
  mutable std::atomic<int> asked{0};
  bool down = false;
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

class IdentityTest : public AuthorityTest {
 protected:
  IdentityTest() {
    IdentitySettings settings;
    settings.name = "cloud";
    settings.kind = IdentitySettings::Kind::oidc;
    settings.issuer = "https://issuer.example.com";
    settings.audience = "https://ca.example.com";
    settings.jwks_file = folder.write("keys.json", key_set({key.jwk()}));
    config.identities = {settings};
  }
  // From a URL in place of a file.
  void fetch_keys() {
    config.identities[0].jwks_file.clear();
    config.identities[0].jwks_url = "https://issuer.example.com/keys";
    client->body = key_set({key.jwk()});
    config.https_client = client;
  }
  std::string document(const std::string& machine, const char* project = "web",
                       std::chrono::seconds age = {}) const {
    json::object content = claims(clock.now() - age);
    content["sub"] = "id-" + machine;
    content["machine"] = machine;
    content["project"] = project;
    return "jwt:" + token(content, key);
  }
  Task<Result<Submitted>> presenting(std::string pem, std::string text) {
    Submission submission;
    submission.csr = std::move(pem);
    submission.identity = Secret(std::move(text));
    co_return co_await authority->submit(std::move(submission), caller_of(Role::anonymous));
  }
  Result<Submitted> present(const std::string& pem, const std::string& text) {
    return run(presenting(pem, text));
  }
  // Why it is denied: the trace.
  std::string denied(const std::string& pem, const std::string& text) {
    const auto outcome = present(pem, text);
    if (outcome.has_error()) return outcome.error().detail;
    if (outcome->certificate) return "signed";
    if (text.size() > 30) {
      EXPECT_EQ(outcome->request.trace.find(text.substr(4, 30)), std::string::npos);
    }
    return outcome->request.trace;
  }
  bool is_signed(const std::string& pem, const std::string& text) {
    const auto outcome = present(pem, text);
    return outcome.has_value() && outcome->certificate.has_value();
  }

  const IssuerKey key = IssuerKey::make("k1", "ES256");
  const std::shared_ptr<FakeClient> client = std::make_shared<FakeClient>();
};

TEST_F(IdentityTest, AMachineIsSignedUnderTheNameThatItsDocumentGives) {
  start(kIdentityPolicy);
  const auto outcome = present(csr("m1.example.com"), document("m1"));
  ASSERT_TRUE(outcome.has_value() && outcome->certificate);
  EXPECT_EQ(outcome->request.rule, "machines");
  EXPECT_THAT(outcome->request.identity, HasSubstr(R"("oidc.cloud.machine":"m1")"));
  EXPECT_THAT(store.audit("m1.example.com", 1).value()[0].detail,
              HasSubstr("oidc https://issuer.example.com id-m1"));
  EXPECT_THAT(denied(csr("m2.example.com"), document("m3")), HasSubstr("is not the name"));
  EXPECT_THAT(denied(csr("m4.example.com"), document("m4", "db")),
              HasSubstr("oidc.cloud.project is 'db', not 'web'"));
  EXPECT_THAT(denied(csr("m5.example.com"), ""), HasSubstr("no identity document was presented"));
}

TEST_F(IdentityTest, ADocumentIsFoundWhereverTheMachineCanPutIt) {
  start(kIdentityPolicy);
  int number = 0;
  for (const std::string oid : {"1.2.840.113549.1.9.7", "1.3.6.1.4.1.34380.1.1.4"}) {
    const std::string machine = "m" + std::to_string(++number);
    const auto outcome =
        submit(csr(machine + ".example.com", {.attribute = {oid, document(machine)}}), true);
    ASSERT_TRUE(outcome.has_value()) << oid;
    EXPECT_TRUE(outcome->certificate) << oid;
  }
}

TEST_F(IdentityTest, AnotherKeyIsRefusedWhileTheMachinesCertificateIsLive) {
  start(kIdentityPolicy);
  const auto first = present(csr("m1.example.com"), document("m1"));
  ASSERT_TRUE(first.has_value() && first->certificate);
  const auto second = present(csr("m1.example.com", {.key = 1}), document("m1"));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::certificate_exists);
  EXPECT_THAT(store.audit("", 1).value()[0].detail, HasSubstr("with another key"));
  // The name is free, but the machine is not.
  Authority::Clean clean;
  clean.revoke = false;
  ASSERT_TRUE(run(authority->clean("m1.example.com", clean, op)).has_value());
  EXPECT_THAT(denied(csr("m1.example.com", {.key = 1}), document("m1")),
              HasSubstr("with another key; revoke that one first"));
  ASSERT_TRUE(
      run(authority->revoke(first->certificate->serial, x509::RevocationReason::superseded, op))
          .has_value());
  EXPECT_TRUE(is_signed(csr("m1.example.com", {.key = 1}), document("m1")));
}

TEST_F(IdentityTest, OneMachineHasOneName) {
  start(kAnyName);
  EXPECT_TRUE(is_signed(csr("a.example.com"), document("m1")));
  EXPECT_THAT(denied(csr("b.example.com"), document("m1")), HasSubstr("under another name"));
}

TEST_F(IdentityTest, ALostAnswerIsHadAgainWithTheSameKey) {
  for (const char* policy : {kIdentityPolicy, kReusing}) {
    store.under = store::make_memory_store(x509::sha256);
    start(policy);
    const auto first = present(csr("m1.example.com"), document("m1"));
    ASSERT_TRUE(first.has_value() && first->certificate);
    // Another CSR of the same key, and another document of the same machine.
    const auto again = present(csr("m1.example.com", {.renews = true}), document("m1"));
    ASSERT_TRUE(again.has_value() && again->certificate);
    const bool same = again->certificate->serial == first->certificate->serial;
    EXPECT_EQ(same, policy == kIdentityPolicy) << "a rule that says more of names in use is asked";
  }
}

TEST_F(IdentityTest, AnOldDocumentIsGoodOnlyForTheKeyThatItsMachineFirstCameWith) {
  start(kIdentityPolicy);
  EXPECT_THAT(denied(csr("m1.example.com"), document("m1", "web", minutes(6))),
              HasSubstr("older than max_age"));
  ASSERT_TRUE(is_signed(csr("m1.example.com"), document("m1", "web", minutes(4))));
  const std::string old = document("m1", "web", minutes(50));
  ASSERT_TRUE(run(authority->clean("m1.example.com", {}, op)).has_value());
  EXPECT_THAT(denied(csr("m1.example.com", {.key = 1}), old), HasSubstr("older than max_age"));
  EXPECT_TRUE(is_signed(csr("m1.example.com"), old)) << "the machine itself, set up anew";
}

TEST_F(IdentityTest, OfManyKeysAtOnceOneGetsTheCertificate) {
  start(kAnyName);
  const std::string text = document("m1");
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 20; ++i) {
    tasks.push_back(
        presenting(csr("m" + std::to_string(i) + ".example.com", {.key = i % 4}), text));
  }
  int issued = 0;
  for (const auto& outcome : race(std::move(tasks))) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error().detail;
    if (outcome->certificate) {
      ++issued;
    } else {
      EXPECT_THAT(outcome->request.trace, HasSubstr("has the live certificate"));
    }
  }
  EXPECT_EQ(issued, 1);
}

TEST_F(IdentityTest, AnApprovalBindsTheMachineToo) {
  start(R"(
default = "queue"
[[rule]]
name = "machines"
match = { oidc.cloud.project = "web" }
action = "queue"
)");
  const auto first = present(csr("a.example.com"), document("m1"));
  const auto second = present(csr("b.example.com", {.key = 1}), document("m1"));
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(approve(first->request.id).has_value());
  const auto refused = approve(second->request.id);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::not_granted);
  EXPECT_THAT(refused.error().detail, HasSubstr("with another key"));
}

TEST_F(IdentityTest, ADocumentThatIsRefusedIsAuditedWithTheReason) {
  start(kIdentityPolicy);
  const std::string good = document("m1");
  for (const auto& [text, reason] :
       {std::pair<std::string, const char*>{"jwt:x", "three parts"},
        {"aws:AAAA", "No [identity.NAME] here is for such documents"},
        {"x", "does not begin with"},
        {good.substr(0, good.size() - 4) + "AAAA", "not by the issuer's key"}}) {
    EXPECT_THAT(denied(csr("m1.example.com"), text), HasSubstr(reason));
    EXPECT_THAT(store.audit("m1.example.com", 1).value()[0].detail, HasSubstr(reason));
  }
}

TEST_F(IdentityTest, ExplainTellsWhatADocumentWouldDo) {
  start(kIdentityPolicy);
  const auto beside = [&](const std::string& text) {
    Submission submission{.csr = csr("m1.example.com")};
    submission.identity = Secret(text);
    return submission;
  };
  const auto explained = run(authority->explain(beside(document("m1", "db")), "", op)).value();
  EXPECT_EQ(explained.decision.action, policy::Action::deny);
  ASSERT_TRUE(explained.nearest);
  EXPECT_THAT(explained.nearest->advice,
              HasSubstr("an identity document that proves oidc.cloud.project = 'web'"));
  EXPECT_EQ(run(authority->explain(beside(document("m1")), "", op)).value().decision.action,
            policy::Action::sign);
}

TEST_F(IdentityTest, AReplayKnowsWhatWasProvenThen) {
  start(kIdentityPolicy);
  ASSERT_TRUE(is_signed(csr("m1.example.com"), document("m1")));
  clock.advance(hours(30));
  ReplayOrder order;
  order.policy = kIdentityPolicy;
  const auto replay = run(authority->replay(order, admin)).value();
  EXPECT_EQ(replay.examined, 1U);
  EXPECT_EQ(replay.changed, 0U);
}

TEST_F(IdentityTest, KeysInAFileThatChangedCountWithoutARestart) {
  start(kIdentityPolicy);
  const Loop loop(*authority);
  const IssuerKey next = IssuerKey::make("k2", "ES256");
  json::object content = claims(clock.now());
  content["machine"] = "m1";
  content["project"] = "web";
  EXPECT_THAT(denied(csr("m1.example.com"), "jwt:" + token(content, next)),
              HasSubstr("no key of its 'kid'"));
  folder.write("keys.json", key_set({next.jwk()}));
  EXPECT_TRUE(
      eventually([&] { return is_signed(csr("m1.example.com"), "jwt:" + token(content, next)); }));
  EXPECT_THAT(denied(csr("m2.example.com"), document("m2")), HasSubstr("no key of its 'kid'"))
      << "the key that the issuer took back";
}

TEST_F(IdentityTest, KeysAreFetchedWhenTheFirstTokenNeedsThem) {
  fetch_keys();
  start(kIdentityPolicy);
  EXPECT_TRUE(is_signed(csr("m1.example.com"), document("m1")));
  EXPECT_TRUE(is_signed(csr("m2.example.com", {.key = 1}), document("m2")));
  EXPECT_EQ(client->asked, 1);
  EXPECT_EQ(client->url, "https://issuer.example.com/keys");
}

TEST_F(IdentityTest, AnUnknownKeyIsAskedForOnceInAWhile) {
  fetch_keys();
  start(kIdentityPolicy);
  ASSERT_TRUE(is_signed(csr("m1.example.com"), document("m1")));
  const IssuerKey next = IssuerKey::make("k2", "ES256");
  json::object content = claims(clock.now());
  content["machine"] = "m2";
  content["project"] = "web";
  const std::string text = "jwt:" + token(content, next);
  client->body = key_set({next.jwk()});
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(denied(csr("m2.example.com"), text), HasSubstr("no key of its 'kid'"));
  }
  EXPECT_EQ(client->asked, 1) << "made-up keys do not make us ask and ask";
  clock.advance(JsonWebKeySource::kPause);
  EXPECT_TRUE(is_signed(csr("m2.example.com"), text)) << "the issuer has a new key";
  EXPECT_EQ(client->asked, 2);
  EXPECT_THAT(denied(csr("m3.example.com"), document("m3")), HasSubstr("no key of its 'kid'"));
}

TEST_F(IdentityTest, ATokenThatIsOfNoUseAnyhowMakesNobodyAskForKeys) {
  fetch_keys();
  start(kIdentityPolicy);
  json::object content = claims(clock.now());
  content["aud"] = "https://vault.example.com";
  EXPECT_THAT(denied(csr("m1.example.com"), "jwt:" + token(content, key)),
              HasSubstr("another audience"));
  EXPECT_EQ(client->asked, 0);
}

TEST_F(IdentityTest, TheLastGoodKeysCountForADayWhileTheIssuerIsAway) {
  fetch_keys();
  start(kIdentityPolicy);
  ASSERT_TRUE(is_signed(csr("m1.example.com"), document("m1")));
  for (const auto& [down, status, body] : {std::tuple<bool, int, std::string>{true, 200, ""},
                                           {false, 503, ""},
                                           {false, 200, "no keys"},
                                           {false, 302, key_set({key.jwk()})}}) {
    client->down = down;
    client->status = status;
    client->body = body;
    clock.advance(hours(5));
    const std::string machine = "m" + std::to_string(client->asked) + std::to_string(status);
    EXPECT_TRUE(is_signed(csr(machine + ".example.com"), document(machine)));
  }
  clock.advance(hours(5));
  EXPECT_THAT(denied(csr("m9.example.com"), document("m9")), HasSubstr("cannot be had now"));
}

TEST_F(IdentityTest, KeysAreAskedForAgainWhenTheyAreOfTheAgeThatTheIssuerGaveThem) {
  fetch_keys();
  client->headers = {{"cache-control", "public, max-age=600"}};
  start(kIdentityPolicy);
  const Loop loop(*authority);
  ASSERT_TRUE(eventually([&] { return client->asked == 1; })) << "before anybody needs them";
  clock.advance(minutes(9));
  EXPECT_TRUE(is_signed(csr("m1.example.com"), document("m1")));
  EXPECT_EQ(client->asked, 1);
  clock.advance(minutes(1));
  EXPECT_TRUE(eventually([&] { return client->asked == 2; }));
}

}  // namespace
}  // namespace countersign::ca
