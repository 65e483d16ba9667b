#include <algorithm>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr const char* kRole = "1.3.6.1.4.1.34380.1.1.13";
constexpr const char* kUuid = "1.3.6.1.4.1.34380.1.1.1";
constexpr const char* kAuthRole = "1.3.6.1.4.1.34380.1.3.13";

class Submit : public AuthorityTest {};

TEST_F(Submit, ARuleSignsWhatItGrantsAndStoresItWithItsTrace) {
  start(kWebPolicy);
  const auto outcome =
      submit(csr("web-1.example.com", {.names = {dns("www.example.com")},
                                       .extensions = {x509::utf8_extension(kRole, "web")}}));
  ASSERT_TRUE(outcome) << outcome.error().detail;
  const auto certificate = certificate_of(*outcome);
  EXPECT_EQ(certificate->common_name(), "web-1.example.com");
  EXPECT_EQ(outcome->certificate->names, "DNS:web-1.example.com, DNS:www.example.com");
  EXPECT_EQ(x509::text_of(*certificate->find(kRole)), "web");
  EXPECT_TRUE(certificate->signed_by(TestCa::get().chain.front()->public_key()));
  const auto row = store.certificate(outcome->request.issuer, outcome->request.serial).value();
  EXPECT_EQ(row, outcome->certificate);
  EXPECT_EQ(row->rule, "web tier");
  EXPECT_NE(outcome->request.trace.find("no intruders"), std::string::npos);
  EXPECT_EQ(actions("web-1.example.com"), std::vector<std::string>{"issue"});
}

TEST_F(Submit, TheSameCsrAgainGetsTheSameAnswer) {
  start(kWebPolicy);
  for (const char* name : {"web-1.example.com", "db-1.example.com"}) {
    const std::string pem = csr(name);
    const auto first = submit(pem);
    const auto again = submit(pem);
    ASSERT_TRUE(first && again);
    EXPECT_FALSE(first->repeated);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->request, first->request);
    EXPECT_EQ(again->certificate, first->certificate);
    EXPECT_EQ(store.requests_of(name, 10)->size(), 1U);
  }
}

// Whatever a rule does not grant is never signed by it: not at first, not again, not by Puppet's
// path, not with duplicates allowed.
TEST_F(Submit, WhatIsNotGrantedIsNeverSignedByTheRule) {
  const std::vector<Asked> cases = {
      {.names = {dns("puppet.example.com")}},
      {.names = {{x509::GeneralName::Type::ip, "10.0.0.1"}}},
      {.names = {{x509::GeneralName::Type::email, "root@example.com"}}},
      {.names = {{x509::GeneralName::Type::uri, "https://example.com/"}}},
      {.extensions = {x509::utf8_extension(kUuid, "x")}},
      {.extensions = {x509::utf8_extension(kAuthRole, "x")}},
      {.extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")}},
      {.extensions = {x509::basic_constraints(true)}},
      {.names = {dns("www.example.com"), dns("web-2.example.com")}},
  };
  config.puppet.allow_duplicate_certs = true;
  config.puppet.autosign = PuppetSettings::Autosign::none;
  start(kWebPolicy);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string name = "web-c" + std::to_string(i) + ".example.com";
    const std::string pem = csr(name, cases[i]);
    for (const bool puppet : {false, true, false}) {
      const auto outcome = submit(pem, puppet);
      ASSERT_TRUE(outcome) << outcome.error().detail;
      EXPECT_EQ(outcome->request.state, store::RequestState::queued) << i;
    }
    EXPECT_TRUE(store.certificates_of(name)->empty()) << i;
  }
}

TEST_F(Submit, NoRuleSignsForANameOfTheServiceItself) {
  config.hostnames = {"ca.example.com", "10.0.0.53"};
  start(R"(
[[rule]]
name = "all"
match = { certname_regex = '.*' }
grant = { dns = ["{certname}", "*.example.com"], ip = ["10.0.0.0/8"] }
action = "sign"
)");
  const std::vector<std::pair<std::string, Asked>> cases = {
      {"ca.example.com", {}},
      {"ca.example.com.", {}},
      {"web-1.example.com", {.names = {dns("ca.example.com")}}},
      {"web-2.example.com", {.names = {dns("CA.example.com")}}},
      {"web-3.example.com", {.names = {{x509::GeneralName::Type::ip, "10.0.0.53"}}}},
  };
  for (const auto& [name, asked] : cases) {
    const auto outcome = submit(csr(name, asked));
    ASSERT_TRUE(outcome) << name << ": " << outcome.error().detail;
    EXPECT_EQ(outcome->request.state, store::RequestState::queued) << name;
  }
  EXPECT_EQ(submit(csr("web-4.example.com"))->request.state, store::RequestState::signed_);
}

TEST_F(Submit, NoRuleAndNoAutosignMakesAnOperator) {
  config.operators = {"chief.example.com"};
  config.puppet.autosign = PuppetSettings::Autosign::all;
  for (const char* policy : {"default = 'sign'\n", "default = 'queue'\n"}) {
    start(policy);
    const auto outcome = submit(csr("chief.example.com"), true);
    ASSERT_TRUE(outcome) << outcome.error().detail;
    EXPECT_EQ(outcome->request.state, store::RequestState::queued);
    EXPECT_EQ(submit(csr("smith.example.com"), true)->request.state, store::RequestState::signed_);
    ASSERT_TRUE(run(authority->clean("chief.example.com", {}, op)));
    ASSERT_TRUE(run(authority->clean("smith.example.com", {}, op)));
  }
}

TEST_F(Submit, WhatIsHeldBackIsApprovedOnlyByAnExplicitWord) {
  config.operators = {"chief.example.com"};
  start("default = 'sign'\n");
  for (const char* name : {"chief.example.com", "ca.example.com", "web-1.example.com."}) {
    const auto outcome = submit(csr(name), true);
    ASSERT_TRUE(outcome) << name;
    ASSERT_EQ(outcome->request.state, store::RequestState::queued) << name;
    EXPECT_EQ(run(authority->approve(outcome->request.id, {}, op)).error().code, Code::not_granted);
    EXPECT_EQ(run(authority->preview(outcome->request, {}, op))->refusal->code, Code::not_granted);
    const Approval meant{.reserved_names = true};
    // Where the name gives a role, only an admin's word counts.
    const bool chief = std::string_view(name).starts_with("chief");
    EXPECT_EQ(run(authority->approve(outcome->request.id, meant, op)).has_value(), !chief) << name;
    if (!chief) continue;
    EXPECT_TRUE(run(authority->approve(outcome->request.id, meant, admin)));
  }
}

TEST_F(Submit, AutosignDoesNotSignForANameOfTheServiceEither) {
  config.puppet.autosign = PuppetSettings::Autosign::all;
  config.puppet.allow_subject_alt_names = true;
  start();
  const auto outcome = submit(csr("node", {.names = {dns("ca.example.com")}}), true);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->request.state, store::RequestState::queued);
  EXPECT_NE(outcome->request.reason.find("CA service"), std::string::npos);
}

TEST_F(Submit, ADeniedMachineThatTriesAgainAddsNoRow) {
  start(kWebPolicy);
  const std::string pem = csr("evil-1");
  // The third comes with a new key.
  for (const std::string& request : {pem, pem, csr("evil-1", {.key = 1})}) {
    const auto outcome = submit(request);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->request.state, store::RequestState::denied);
    EXPECT_EQ(outcome->request.reason, "not ours");
  }
  EXPECT_EQ(store.requests_of("evil-1", 10)->size(), 1U);
  EXPECT_EQ(actions("evil-1").size(), 1U);
}

TEST_F(Submit, ANameThatIsHeldIsNotGivenToAnotherKey) {
  start(kWebPolicy);
  ASSERT_TRUE(submit(csr("web-1.example.com")));
  const auto live = submit(csr("web-1.example.com", {.key = 1}));
  ASSERT_TRUE(live.has_error());
  EXPECT_EQ(live.error().code, Code::certificate_exists);

  ASSERT_TRUE(submit(csr("db-1")));
  const auto queued = submit(csr("db-1", {.key = 1}));
  ASSERT_TRUE(queued.has_error());
  EXPECT_EQ(queued.error().code, Code::request_exists);
  EXPECT_EQ(queued.error().detail,
            "db-1 already has a requested certificate; ignoring certificate request");

  ASSERT_TRUE(
      run(authority->revoke_name("web-1.example.com", x509::RevocationReason::key_compromise, op)));
  for (const int key : {0, 1}) {
    const auto revoked = submit(csr("web-1.example.com", {.key = key}));
    ASSERT_TRUE(revoked.has_error());
    EXPECT_EQ(revoked.error().code, Code::revoked_exists);
  }
  ASSERT_TRUE(run(authority->clean("web-1.example.com", {}, op)));
  EXPECT_TRUE(submit(csr("web-1.example.com", {.key = 1})));
}

TEST_F(Submit, AnExpiredCertificateDoesNotLockItsMachineOut) {
  config.profiles["agent"].validity = std::chrono::hours(1);
  start(kWebPolicy);
  const auto first = submit(csr("web-1.example.com"));
  ASSERT_TRUE(first && first->certificate);
  clock.advance(std::chrono::minutes(59));
  EXPECT_EQ(submit(csr("web-1.example.com", {.key = 1})).error().code, Code::certificate_exists);
  clock.advance(std::chrono::minutes(1));
  // With the same CSR, and then with another key.
  const auto second = submit(csr("web-1.example.com"));
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_NE(second->request.serial, first->request.serial);
  clock.advance(std::chrono::hours(1));
  const auto third = submit(csr("web-1.example.com", {.key = 1}));
  ASSERT_TRUE(third) << third.error().detail;
  EXPECT_EQ(store.current_certificate("web-1.example.com").value()->serial, third->request.serial);
  // The way by the queue as well.
  const auto queued = submit(csr("db-1"));
  ASSERT_TRUE(approve(queued->request.id));
  clock.advance(std::chrono::hours(1));
  const auto again = submit(csr("db-1", {.key = 1}));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(approve(again->request.id));
}

TEST_F(Submit, OfManyAtOnceForOneNameExactlyOneIsSigned) {
  start(kWebPolicy);
  for (int expired = 0; expired < 2; ++expired) {
    std::vector<Task<Result<Submitted>>> tasks;
    for (int key = 0; key < 4; ++key) {
      Submission submission;
      submission.csr = csr("web-1.example.com", {.key = key});
      tasks.push_back(authority->submit(std::move(submission), caller_of(Role::anonymous)));
    }
    const auto results = race(std::move(tasks));
    const auto signed_count = std::ranges::count_if(
        results, [](const auto& result) { return result.has_value() && result->certificate; });
    EXPECT_EQ(signed_count, 1);
    for (const auto& result : results) {
      if (result.has_value()) continue;
      EXPECT_EQ(result.error().code, Code::certificate_exists);
    }
    clock.advance(std::chrono::days(6 * 365));  // and the same again over an expired one
  }
  EXPECT_EQ(store.certificates_of("web-1.example.com")->size(), 2U);
}

TEST_F(Submit, TheSameCsrManyTimesAtOnceGetsOneCertificate) {
  start(kWebPolicy);
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 8; ++i) {
    Submission submission;
    submission.csr = csr("web-1.example.com", {.key = 0});
    tasks.push_back(authority->submit(std::move(submission), caller_of(Role::anonymous)));
  }
  std::vector<Bytes> serials;
  for (const auto& result : race(std::move(tasks))) {
    // ECDSA signs with fresh randomness: each of these is another CSR with the same key.
    if (result.has_value()) serials.push_back(result->request.serial);
  }
  ASSERT_FALSE(serials.empty());
  EXPECT_EQ(store.certificates_of("web-1.example.com")->size(), 1U);
}

TEST_F(Submit, NoCertificateLeavesWithoutItsCommit) {
  start(kWebPolicy);
  const auto queued = submit(csr("db-1"));
  ASSERT_TRUE(queued);
  store.failing = true;
  const auto outcome = submit(csr("web-1.example.com"));
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  const auto approved = approve(queued->request.id);
  ASSERT_TRUE(approved.has_error());
  EXPECT_EQ(approved.error().code, Code::unavailable);
  EXPECT_TRUE(run(authority->issue_service_certificate(machine_key().public_key())).has_error());
  EXPECT_FALSE(authority->health().ready);
  store.failing = false;
  // After a while the store is opened anew, and all is as it was before.
  EXPECT_TRUE(eventually([&] { return submit(csr("web-1.example.com")).has_value(); }));
  EXPECT_EQ(store.certificates_of("web-1.example.com")->size(), 1U);
  EXPECT_EQ(store.request(queued->request.id).value()->state, store::RequestState::queued);
  EXPECT_TRUE(authority->health().ready);
}

TEST_F(Submit, BadRequestsAreNamedAndLeaveNothingBehind) {
  start(kWebPolicy);
  std::string forged = csr("web-1.example.com");
  x509::testing::CsrContent content;
  content.subject = x509::common_name_only("web-1.example.com");
  content.spki = to_bytes(machine_key(1).public_key().spki());
  const std::string stolen_key =
      x509::pem_encode(x509::kPemCsr, x509::testing::make_csr(content, machine_key(0)));
  const std::vector<std::tuple<const char*, std::string, Code>> cases = {
      {"empty", "", Code::malformed},
      {"text", "hello", Code::malformed},
      {"two blocks", forged + forged, Code::malformed},
      {"of another key", stolen_key, Code::bad_proof},
      {"upper case", csr("Web-1.example.com"), Code::bad_name},
      {"no name", csr(""), Code::bad_name},
      {"path", csr("../etc"), Code::bad_name},
      {"over 253", csr(std::string(254, 'a')), Code::bad_name},
      {"reserved", csr("ca"), Code::bad_name},
  };
  for (const auto& [what, pem, code] : cases) {
    const auto outcome = submit(pem);
    ASSERT_TRUE(outcome.has_error()) << what;
    EXPECT_EQ(outcome.error().code, code) << what << ": " << outcome.error().detail;
  }
  EXPECT_TRUE(store.requests({})->rows.empty());
  EXPECT_EQ(store.counts()->certificates, 0);
}

TEST_F(Submit, ANameInThePathMustBeTheOneInTheRequest) {
  start();
  Submission submission;
  submission.csr = csr("b");
  submission.name = "a";
  const auto outcome = run(authority->submit(std::move(submission), op));
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().code, Code::name_mismatch);
  EXPECT_EQ(outcome.error().detail, R"(Instance name "b" does not match requested key "a")");
}

TEST_F(Submit, AutosignDecidesOnlyForPuppetAndOnlyWhereNoRuleMatched) {
  config.puppet.autosign = PuppetSettings::Autosign::all;
  start(kWebPolicy);
  EXPECT_EQ(submit(csr("db-1"))->request.state, store::RequestState::queued);
  EXPECT_EQ(submit(csr("db-2"), true)->request.rule, "puppet autosign");
  EXPECT_EQ(submit(csr("evil-2"), true)->request.state, store::RequestState::denied);
  EXPECT_EQ(submit(csr("web-2.example.com"), true)->request.rule, "web tier");
}

TEST_F(Submit, AutosignRefusesWhatPuppetsSettingsForbidAndKeepsTheRequest) {
  config.puppet.autosign = PuppetSettings::Autosign::all;
  start();
  const std::vector<std::pair<Asked, std::string>> cases = {
      {{.names = {dns("extra")}}, "contains extra subject alternative names (DNS:extra)"},
      {{.extensions = {x509::utf8_extension(kAuthRole, "x")}},
       "contains an authorization extension"},
      {{.extensions = {x509::utf8_extension("1.9.9.9.9.9.9", "x")}},
       "Found extensions that are not permitted: 1.9.9.9.9.9.9"},
      {{.extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")}},
       "Found extensions that are not permitted: 1.3.6.1.4.1.34380.1.3.39"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string name = "node-" + std::to_string(i);
    const auto outcome = submit(csr(name, cases[i].first), true);
    ASSERT_TRUE(outcome.has_error());
    EXPECT_EQ(outcome.error().code, Code::not_granted);
    EXPECT_NE(outcome.error().detail.find(cases[i].second), std::string::npos)
        << outcome.error().detail;
    EXPECT_TRUE(store.queued_request(name).value());
  }
}

TEST_F(Submit, AutosignListAndProgramAndMissingFile) {
  config.puppet.autosign = PuppetSettings::Autosign::file;
  config.puppet.autosign_file = folder.path() / "autosign.conf";
  start();
  const auto state_of = [&](const std::string& name) { return submit(csr(name), true)->request; };
  EXPECT_NE(state_of("n1").reason.find("does not exist"), std::string::npos);
  folder.write("autosign.conf", "good\n*.lab\n");
  EXPECT_EQ(state_of("good").state, store::RequestState::signed_);
  EXPECT_EQ(state_of("a.lab").state, store::RequestState::signed_);
  EXPECT_EQ(state_of("bad").state, store::RequestState::queued);
  // It gets the name and the CSR.
  folder.write("autosign.conf",
               "#!/bin/sh\ngrep -q 'BEGIN CERTIFICATE REQUEST' && [ \"$1\" = yes ]\n", true);
  EXPECT_EQ(state_of("yes").state, store::RequestState::signed_);
  EXPECT_NE(state_of("no").reason.find("exit code 1"), std::string::npos);
  folder.write("autosign.conf", "#!/bin/sh\nsleep 600\n", true);
  config.puppet.autosign_deadline = std::chrono::seconds(1);
  start();
  const auto slow = state_of("slow");
  EXPECT_EQ(slow.state, store::RequestState::queued);
  EXPECT_NE(slow.reason.find("was killed"), std::string::npos) << slow.reason;
}

TEST_F(Submit, AutosignOfAWholeFleetAtOnceSignsEveryMachine) {
  config.puppet.autosign = PuppetSettings::Autosign::all;
  start();
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 150; ++i) {
    Submission submission;
    submission.csr = csr("node-" + std::to_string(i));
    submission.puppet = true;
    tasks.push_back(authority->submit(std::move(submission), caller_of(Role::anonymous)));
  }
  for (const auto& result : race(std::move(tasks))) {
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_TRUE(result->certificate);
  }
}

TEST_F(Submit, WithDuplicatesAllowedANewRequestReplacesTheOneThatWaits) {
  config.puppet.allow_duplicate_certs = true;
  start(kWebPolicy);
  const auto first = submit(csr("db-1"), true);
  const auto second = submit(csr("db-1", {.key = 1}), true);
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(store.request(first->request.id).value()->state, store::RequestState::withdrawn);
  ASSERT_TRUE(submit(csr("web-1.example.com"), true));
  EXPECT_TRUE(submit(csr("web-1.example.com", {.key = 1}), true));
  EXPECT_TRUE(submit(csr("web-1.example.com", {.key = 2}), false).has_error());
}

TEST_F(Submit, ADeniedRequestDoesNotTakeThePlaceOfTheOneThatWaits) {
  config.puppet.allow_duplicate_certs = true;
  start(kWebPolicy);
  const auto first = submit(csr("db-1"), true);
  start("default = 'deny'\n");
  const auto second = submit(csr("db-1", {.key = 1}), true);
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(second->request.state, store::RequestState::denied);
  EXPECT_EQ(store.request(first->request.id).value()->state, store::RequestState::queued);
}

TEST_F(Submit, TheAutosignProgramSeesTheRequestThatWouldBeSigned) {
  config.puppet.autosign = PuppetSettings::Autosign::file;
  config.puppet.autosign_file = folder.path() / "autosign";
  folder.write("autosign", "#!/bin/sh\ncat > \"$0.seen\"\n", true);
  start();
  // OpenSSL would read the first block, which our reader passes over.
  const std::string pem = csr("victim", {.key = 1});
  std::string hidden = pem;
  hidden.insert(hidden.find('\n'), "\x01");
  const auto outcome = submit(hidden + csr("evil"), true);
  if (outcome.has_error()) return;  // refused as a whole is as good
  const auto seen = system_files().read(folder.path() / "autosign.seen", 1 << 20);
  ASSERT_TRUE(seen);
  EXPECT_EQ(*seen, x509::pem_encode(x509::kPemCsr, outcome->request.csr));
}

TEST_F(Submit, ExplainSaysWhatWouldBeDecidedAndStoresNothing) {
  start(kWebPolicy);
  const auto yes = run(authority->explain({.csr = csr("web-1.example.com")}, "192.0.2.1", op));
  ASSERT_TRUE(yes);
  EXPECT_EQ(yes->decision.action, policy::Action::sign);
  EXPECT_EQ(yes->decision.rule, "web tier");
  const auto no = run(authority->explain({.csr = csr("db-1")}, "", op));
  ASSERT_TRUE(no);
  EXPECT_EQ(no->decision.action, policy::Action::queue);
  ASSERT_EQ(no->decision.trace.size(), 2U);
  EXPECT_EQ(no->decision.trace[1].condition, "certname_regex");
  EXPECT_TRUE(store.requests({})->rows.empty());
}

}  // namespace
}  // namespace countersign::ca
