#include "ca/decider.h"

#include "ca/foreign_text.h"
#include "ca/strict_json.h"
#include "tests/base/tls_server.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using countersign::testing::TlsServer;
using policy::Action;
using std::chrono::seconds;

constexpr const char* kRole = "1.3.6.1.4.1.34380.1.1.13";
constexpr const char* kAuthRole = "1.3.6.1.4.1.34380.1.3.13";

CircuitBreaker::Time at(int second) { return CircuitBreaker::Time(seconds(second)); }

TEST(CircuitBreaker, OpensAfterFailuresInARowAndLetsOneTryAfterThePause) {
  CircuitBreaker breaker(2, seconds(30));
  EXPECT_TRUE(breaker.admit(at(0)));
  breaker.failed(at(0));
  EXPECT_TRUE(breaker.admit(at(1)));
  breaker.succeeded();  // not in a row
  EXPECT_TRUE(breaker.admit(at(2)));
  breaker.failed(at(2));
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.admit(at(3)));
  breaker.failed(at(3));
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.admit(at(32)));
  EXPECT_TRUE(breaker.admit(at(33)));
  EXPECT_FALSE(breaker.admit(at(33))) << "one is on the way";
  breaker.failed(at(40));
  EXPECT_FALSE(breaker.admit(at(69))) << "a failed try begins the pause anew";
  EXPECT_TRUE(breaker.admit(at(70)));
  breaker.succeeded();
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.admit(at(70)));
  EXPECT_TRUE(breaker.admit(at(70)));
}

TEST(CircuitBreaker, WhatWasOnTheWayWhenItOpenedDoesNotOpenItForever) {
  CircuitBreaker breaker(1, seconds(10));
  EXPECT_TRUE(breaker.admit(at(0)));
  EXPECT_TRUE(breaker.admit(at(0)));
  breaker.failed(at(1));
  breaker.failed(at(5));
  EXPECT_FALSE(breaker.admit(at(14)));
  EXPECT_TRUE(breaker.admit(at(15)));
}

TEST(ForeignText, IsOneLineThatHidesNothing) {
  const std::vector<std::tuple<std::string, std::size_t, std::string>> cases = {
      {"plain", 100, "plain"},
      {"  a \n\r\t b  ", 100, "a b"},
      {"a\x1b[31mb", 100, "a [31mb"},
      {std::string("a\0b", 3), 100, "a b"},
      {"a\x7f", 100, "a"},
      {"caf\xc3\xa9", 100, "caf\xc3\xa9"},
      {"caf\xc3\xa9", 4, "caf"},
      {"a\xff\xfe b", 100, "a b"},
      {"a\xc0\x80z", 100, "a z"},      // overlong NUL
      {"a\xed\xa0\x80z", 100, "a z"},  // surrogate
      {"a\xc2\x9bz", 100, "a z"},      // C1
      {"a\xe2\x80\xaez", 100, "a z"},  // right-to-left override
      {"a\xe2\x80\xa8z", 100, "a z"},  // line separator
      {"\xf0\x9f\x94\x92", 100, "\xf0\x9f\x94\x92"},
      {"\xf0\x9f\x94", 100, ""},
      {"abcdef", 3, "abc"},
      {"", 3, ""},
  };
  for (const auto& [text, most, line] : cases) EXPECT_EQ(one_line(text, most), line) << text;
}

TEST(StrictJson, RefusesWhatTwoReadersCouldTakeInTwoWays) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"([{"b":{"c":1,"c":2}}])", "{", "", "1 2",
        R"({"a":1,})", "// x\n1", "\xff", "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"}) {
    EXPECT_TRUE(parse_json_object(text).has_error()) << text;
  }
  EXPECT_TRUE(parse_json_object(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})").has_value());
}

TEST(DeciderAnswer, IsReadStrictly) {
  const auto answer = parse_decider_answer(
      R"({"reason":"a\nb","action":"sign","grant":{"names":["DNS:x"],"extensions":[]}})");
  ASSERT_TRUE(answer.has_value()) << answer.error().detail;
  EXPECT_EQ(answer->action, Action::sign);
  EXPECT_EQ(answer->reason, "a b");
  EXPECT_EQ(*answer->names, std::vector<std::string>{"DNS:x"});
  EXPECT_TRUE(answer->extensions->empty());
  EXPECT_FALSE(parse_decider_answer(R"({"action":"sign"})")->names);
  for (const char* text : {
           R"("sign")",
           R"({"action":1})",
           R"({"action":"Sign"})",
           R"({"action":"sign","action":"sign"})",
           R"({"action":"sign","reason":1})",
           R"({"action":"sign","reason":null})",
           R"({"action":"sign","ttl":1})",
           R"({"action":"sign","grant":null})",
           R"({"action":"sign","grant":[]})",
           R"({"action":"sign","grant":{"names":"DNS:x"}})",
           R"({"action":"sign","grant":{"names":[1]}})",
           R"({"action":"sign","grant":{"dns":["x"]}})",
           R"({"action":"queue","grant":{}})",
           R"({"action":"deny","grant":{"names":[]}})",
       }) {
    const auto bad = parse_decider_answer(text);
    ASSERT_TRUE(bad.has_error()) << text;
    EXPECT_EQ(bad.error().code, Code::malformed) << text;
  }
}

Grant grant_of_table() {
  Grant grant;
  grant.certname = "web-1";
  grant.names = {dns("web-1"), dns("www"), {x509::GeneralName::Type::ip, "10.0.0.1"}};
  grant.extensions = {x509::utf8_extension(kRole, "web"), x509::utf8_extension(kAuthRole, "x")};
  return grant;
}

TEST(DeciderAnswer, CanOnlyTakeAway) {
  using Texts = std::optional<std::vector<std::string>>;
  struct Case {
    const char* what;
    Texts names;
    Texts extensions;
    bool fits;
    std::size_t names_left;
    std::size_t extensions_left;
  };
  const Case cases[] = {
      {"nothing said", std::nullopt, std::nullopt, true, 3, 2},
      {"all of it", Texts{{"DNS:web-1", "DNS:www", "IP:10.0.0.1"}}, Texts{{"pp_role", kAuthRole}},
       true, 3, 2},
      {"one name", Texts{{"DNS:www"}}, std::nullopt, true, 2, 2},
      {"no name: the certname stays", Texts{std::vector<std::string>{}}, std::nullopt, true, 1, 2},
      {"no extension", std::nullopt, Texts{std::vector<std::string>{}}, true, 3, 0},
      {"an OID", std::nullopt, Texts{{kRole}}, true, 3, 1},
      {"a name twice", Texts{{"DNS:www", "DNS:www"}}, std::nullopt, true, 2, 2},
      {"another name", Texts{{"DNS:www", "DNS:db"}}, std::nullopt, false, 0, 0},
      {"another type", Texts{{"DNS:10.0.0.1"}}, std::nullopt, false, 0, 0},
      {"a bare name", Texts{{"www"}}, std::nullopt, false, 0, 0},
      {"a wildcard", Texts{{"DNS:*"}}, std::nullopt, false, 0, 0},
      {"another extension", std::nullopt, Texts{{"pp_cli_auth"}}, false, 0, 0},
      {"every extension", std::nullopt, Texts{{"*"}}, false, 0, 0},
      {"an empty one", std::nullopt, Texts{{""}}, false, 0, 0},
  };
  for (const Case& one : cases) {
    DeciderAnswer answer;
    answer.action = Action::sign;
    answer.names = one.names;
    answer.extensions = one.extensions;
    const auto left = narrowed(grant_of_table(), answer);
    ASSERT_EQ(left.has_value(), one.fits) << one.what;
    if (!left) continue;
    EXPECT_EQ(left->certname, "web-1") << one.what;
    EXPECT_EQ(left->names.front().value, "web-1") << one.what;
    EXPECT_EQ(left->names.size(), one.names_left) << one.what;
    EXPECT_EQ(left->extensions.size(), one.extensions_left) << one.what;
  }
}

// Answers as told, and counts.
class Oracle final : public HttpsClient {
 public:
  Result<HttpsResponse> send(const HttpsRequest& request) const override {
    ++asked;
    last = request;
    return answer;
  }
  static HttpsResponse saying(const std::string& json) {
    HttpsResponse response;
    response.status = 200;
    response.headers = {{"content-type", "application/json; charset=utf-8"}};
    response.body = json;
    return response;
  }
  Result<HttpsResponse> answer = saying(R"({"action":"sign"})");
  mutable int asked = 0;
  mutable HttpsRequest last;
};

class AskedDecider : public AuthorityTest {
 protected:
  Result<DeciderAnswer> ask(Decider& decider) { return run(decider.ask(question)); }

  Oracle oracle;
  DeciderQuestion question{.certname = "web-1", .json = R"({"certname":"web-1"})", .csr = "PEM"};
  DeciderSettings settings = [] {
    DeciderSettings made;
    made.endpoint.url = "https://inventory.example.com/ask";
    made.failures = 2;
    made.pause = std::chrono::hours(1);
    return made;
  }();
};

TEST_F(AskedDecider, AfterFailuresInARowItIsLeftAlone) {
  Decider decider("inventory", settings, oracle);
  EXPECT_EQ(ask(decider)->action, Action::sign);
  EXPECT_EQ(oracle.last.method, "POST");
  EXPECT_EQ(oracle.last.body, question.json);
  oracle.answer = fail(Code::unavailable, "it cannot be connected to");
  EXPECT_EQ(ask(decider).error().detail, "it cannot be connected to");
  EXPECT_FALSE(decider.status().open);
  oracle.answer = Oracle::saying("{}");
  EXPECT_EQ(ask(decider).error().code, Code::unavailable);
  EXPECT_TRUE(decider.status().open);
  oracle.answer = Oracle::saying(R"({"action":"sign"})");
  EXPECT_EQ(ask(decider).error().detail, "it failed so often that it is left alone for a while");
  EXPECT_EQ(oracle.asked, 3);
  EXPECT_EQ(decider.status().asked, 3U);
  EXPECT_EQ(decider.status().failed, 2U);
}

TEST_F(AskedDecider, ADenialIsAnAnswerAndNoFailure) {
  settings.failures = 1;
  Decider decider("inventory", settings, oracle);
  oracle.answer = Oracle::saying(R"({"action":"deny","reason":"no"})");
  EXPECT_EQ(ask(decider)->action, Action::deny);
  EXPECT_FALSE(decider.status().open);
}

TEST_F(AskedDecider, AQuestionThatItRefusesDoesNotHaveItLeftAlone) {
  settings.failures = 1;
  Decider decider("inventory", settings, oracle);
  for (const auto& [status, opens] :
       std::vector<std::pair<int, bool>>{{400, false}, {422, false}, {404, true}}) {
    HttpsResponse response;
    response.status = status;
    oracle.answer = response;
    EXPECT_TRUE(ask(decider).has_error()) << status;
    EXPECT_EQ(decider.status().open, opens) << status;
  }
}

TEST_F(AskedDecider, WithoutItsTokenItIsNotAsked) {
  settings.endpoint.token_file = folder.path() / "missing";
  Decider decider("inventory", settings, oracle);
  EXPECT_EQ(ask(decider).error().code, Code::unavailable);
  EXPECT_EQ(oracle.asked, 0);
}

// A rule whose decider is a program; the authority is the real one.
class AskedBySubmit : public AuthorityTest {
 protected:
  void start_with(const std::string& script, const std::string& more = "") {
    DeciderSettings settings;
    settings.program = folder.write("decider", "#!/bin/sh\n" + script, true);
    settings.deadline = seconds(20);
    start_with(settings, more);
  }
  void start_with(const DeciderSettings& settings, const std::string& more = "") {
    config.deciders["inventory"] = settings;
    start(std::string(R"(
[[rule]]
name = "web"
match = { certname_regex = 'web-.*' }
action = "sign"
ask = "inventory"
)") + more);
  }
  int asked() const {
    std::ifstream log(folder.path() / "asked");
    int lines = 0;
    for (std::string line; std::getline(log, line);) ++lines;
    return lines;
  }
  const std::string note = "echo x >> " + folder.path().string() + "/asked\n";
};

TEST_F(AskedBySubmit, ALimitCountsOnlyWhatItsDeciderLetsPass) {
  start_with(note + "case $1 in web-good*) exit 0;; esac; exit 1", "limit = { rule = \"1/d\" }\n");
  EXPECT_EQ(submit(csr("web-bad-1"))->request.state, store::RequestState::queued);
  EXPECT_EQ(submit(csr("web-bad-2"))->request.state, store::RequestState::queued);
  EXPECT_EQ(submit(csr("web-good-1"))->request.state, store::RequestState::signed_);
  EXPECT_EQ(asked(), 3);
  EXPECT_EQ(submit(csr("web-good-2"))->request.state, store::RequestState::queued);
  EXPECT_EQ(asked(), 3) << "over the limit there is nothing to ask";
}

TEST_F(AskedBySubmit, ManyAtOnceUnderOneLimitAskOnceEach) {
  start_with(note + "exit 0", "limit = { rule = \"1/d\" }\n");
  std::vector<Task<Result<Submitted>>> tasks;
  for (int i = 0; i < 8; ++i) {
    Submission submission;
    submission.csr = csr("web-" + std::to_string(i));
    tasks.push_back(authority->submit(std::move(submission), caller_of(Role::anonymous)));
  }
  int issued = 0;
  for (const auto& outcome : race(std::move(tasks))) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error().detail;
    if (outcome->request.state == store::RequestState::signed_) ++issued;
  }
  EXPECT_EQ(issued, 1);
  EXPECT_LE(asked(), 8) << "a round that lost a race asks nobody again";
}

TEST_F(AskedBySubmit, AMachineThatWaitedAndIsDeniedLeavesTheQueue) {
  std::atomic<bool> works{false};
  const TlsServer server([&works](const std::string&) {
    if (!works) return TlsServer::response("500 No", "", "");
    return TlsServer::response("200 OK", "Content-Type: application/json\r\n",
                               R"({"action":"deny","reason":"stolen"})");
  });
  DeciderSettings settings;
  settings.endpoint.url = server.url();
  settings.endpoint.ca_file = server.certificate();
  settings.deadline = seconds(20);
  settings.failures = 100;
  settings.pause = seconds(60);
  start_with(settings);
  const std::string pem = csr("web-1");
  const auto waiting = submit(pem);
  ASSERT_EQ(waiting->request.state, store::RequestState::queued);
  EXPECT_TRUE(waiting->request.retry_at);
  EXPECT_EQ(submit(pem)->request.id, waiting->request.id);
  EXPECT_EQ(server.requests().size(), 1U) << "it is not yet time to ask again";
  works = true;
  clock.advance(seconds(61));
  const auto denied = submit(csr("web-1"));
  ASSERT_TRUE(denied.has_value()) << denied.error().detail;
  EXPECT_EQ(denied->request.state, store::RequestState::denied);
  EXPECT_EQ(store.request(waiting->request.id).value()->state, store::RequestState::withdrawn);
  EXPECT_FALSE(store.queued_request("web-1").value());
}

}  // namespace
}  // namespace countersign::ca
