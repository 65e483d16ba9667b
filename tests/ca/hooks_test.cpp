#include "ca/hooks.h"

#include <atomic>

#include "ca/hook_delivery.h"
#include "tests/base/tls_server.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using countersign::testing::TlsServer;
using Outcome = Delivery::Outcome;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Backoff, DoublesUpToABoundWithSomeChance) {
  for (int round = 0; round < 50; ++round) {
    for (const auto& [failures, whole] : std::vector<std::pair<int, milliseconds>>{
             {1, seconds(1)}, {2, seconds(2)}, {7, minutes(1)}, {1'000'000, minutes(1)}}) {
      const auto wait = backoff(failures, minutes(1), system_random());
      EXPECT_GE(wait, whole / 2) << failures;
      EXPECT_LE(wait, whole) << failures;
    }
  }
}

TEST(HookEvent, HasANameThatIsReadBack) {
  for (const HookEvent event : {HookEvent::queued, HookEvent::issued, HookEvent::approved,
                                HookEvent::denied, HookEvent::expired, HookEvent::expiring}) {
    EXPECT_EQ(parse_hook_event(to_string(event)), event);
  }
  EXPECT_FALSE(parse_hook_event("new"));
}

// What a hook's endpoint answers, and what that means.
TEST(HookDelivery, KnowsARefusalFromAnEndpointThatIsDown) {
  const std::vector<std::pair<std::string, Outcome>> cases = {
      {"200 OK", Outcome::done},           {"204 No Content", Outcome::done},
      {"302 Found", Outcome::down},        {"400 Bad", Outcome::refused},
      {"404 Not Found", Outcome::refused}, {"408 Timeout", Outcome::down},
      {"429 Too Many", Outcome::down},     {"500 Error", Outcome::down},
      {"503 Busy", Outcome::down}};
  const std::atomic<bool> stop{false};
  const auto https = make_https_client();
  for (const auto& [status, outcome] : cases) {
    const TlsServer server(
        [&status](const std::string&) { return TlsServer::response(status, "", ""); });
    HookSettings hook;
    hook.endpoint.url = server.url();
    hook.endpoint.ca_file = server.certificate();
    hook.deadline = seconds(20);
    store::HookEventRecord event;
    event.id = "0123";
    event.event = "queued";
    event.body = "{}";
    EXPECT_EQ(deliver(hook, event, *https, Timestamp(seconds(1000)), stop).outcome, outcome)
        << status;
    const std::string request = server.requests().at(0);
    EXPECT_NE(request.find("Countersign-Delivery: 0123\r\n"), std::string::npos);
    EXPECT_EQ(request.find("Countersign-Signature"), std::string::npos);
  }
}

TEST(HookDelivery, WithoutItsSecretNothingIsSent) {
  const TlsServer server([](const std::string&) { return TlsServer::response("200 OK", "", ""); });
  const std::atomic<bool> stop{false};
  const Folder folder;
  HookSettings hook;
  hook.endpoint.url = server.url();
  hook.endpoint.ca_file = server.certificate();
  for (const auto& secret : {folder.path() / "missing", folder.write("empty", "\n")}) {
    hook.secret_file = secret;
    const auto made = deliver(hook, {}, *make_https_client(), Timestamp(seconds(1000)), stop);
    EXPECT_EQ(made.outcome, Outcome::down);
  }
  EXPECT_TRUE(server.requests().empty());
}

class HookRows : public AuthorityTest {
 protected:
  void hook_on(std::set<HookEvent> events) {
    HookSettings hook;
    hook.on = std::move(events);
    hook.program = "/bin/false";
    config.hooks["chat"] = hook;
  }
  std::vector<std::string> told() {
    std::vector<std::string> list;
    for (const auto& event : store.due_hook_events("chat", clock.now(), 100).value()) {
      list.push_back(event.event + " " + event.subject);
    }
    return list;
  }
};

TEST_F(HookRows, AreInTheCommitOfWhatTheyTellOf) {
  hook_on({HookEvent::queued, HookEvent::issued, HookEvent::denied});
  start(kWebPolicy);
  ASSERT_TRUE(submit(csr("web-1.example.com")));
  ASSERT_TRUE(submit(csr("evil-1")));
  ASSERT_TRUE(submit(csr("db-1")));
  EXPECT_EQ(told(),
            (std::vector<std::string>{"issued web-1.example.com", "denied evil-1", "queued db-1"}));
  store.failing = true;
  EXPECT_TRUE(submit(csr("db-2")).has_error());
  store.failing = false;
  EXPECT_EQ(told().size(), 3U) << "what did not happen is not told";
}

TEST_F(HookRows, TellOfTheLastOfSeveralApprovalsAlone) {
  hook_on({HookEvent::approved});
  start("[[rule]]\nname = \"two\"\nmatch = { any = true }\naction = \"queue\"\napprovals = 2\n");
  const std::string id = submit(csr("db-1"))->request.id;
  for (const char* name : {"alice", "bob"}) {
    EXPECT_TRUE(told().empty());
    Caller person = op;
    person.name = name;
    ASSERT_TRUE(run(authority->approve(id, {}, person)));
  }
  EXPECT_EQ(told(), std::vector<std::string>{"approved db-1"});
}

TEST_F(HookRows, TellOfARequestThatExpired) {
  hook_on({HookEvent::expired});
  config.queue_expire_after = hours(1);
  start("default = \"queue\"\n");
  ASSERT_TRUE(submit(csr("db-1")));
  clock.advance(hours(2));
  const Loop loop(*authority);
  // /bin/false takes no delivery, so that the row stays.
  ASSERT_TRUE(eventually([&] {
    const auto tallies = store.hook_tallies().value();
    return tallies.size() == 1 && tallies[0].waiting == 1;
  }));
}

TEST_F(HookRows, TheSameRequestAgainIsNoNews) {
  hook_on({HookEvent::queued});
  start(kWebPolicy);
  const std::string pem = csr("db-1");
  ASSERT_TRUE(submit(pem));
  ASSERT_TRUE(submit(pem));
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(HookRows, ABadPatternIsSaidAtTheStart) {
  hook_on({HookEvent::queued});
  config.hooks["chat"].match = "(";
  EXPECT_THROW(start(kWebPolicy), std::runtime_error);
}

TEST_F(HookRows, CertificatesThatComeUnderTheThresholdAreToldOnceEach) {
  hook_on({HookEvent::expiring});
  config.hooks["chat"].program = "";
  std::atomic<int> deliveries{0};
  const TlsServer server([&deliveries](const std::string&) {
    ++deliveries;
    return TlsServer::response("200 OK", "", "");
  });
  config.hooks["chat"].endpoint.url = server.url();
  config.hooks["chat"].endpoint.ca_file = server.certificate();
  config.hooks["chat"].expiring_before = hours(2);
  config.profiles["agent"].validity = hours(1);
  start(kWebPolicy);
  // The store's word: what the endpoint has heard may still be on its way to the store, and a stop
  // in between delivers it again.
  const auto delivered = [&](std::int64_t count) {
    return eventually([&] {
      const auto tallies = store.hook_tallies().value();
      return !tallies.empty() && tallies.front().delivered == count;
    });
  };
  constexpr int kMany = 250;  // more than a page
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(submit(csr("web-" + std::to_string(i) + ".example.com")));
  }
  {
    const Loop loop(*authority);
    EXPECT_TRUE(delivered(kMany)) << deliveries;
  }
  config.profiles["agent"].validity = hours(24);
  start(kWebPolicy);
  ASSERT_TRUE(submit(csr("web-late.example.com")));
  {
    const Loop loop(*authority);
    EXPECT_TRUE(eventually([&] {
      const auto progress = store.document("hook", "expiring/chat").value();
      return progress && progress->value.find("\"until\":0") != std::string::npos;
    }));
  }
  clock.advance(hours(23));
  start(kWebPolicy);
  {
    const Loop loop(*authority);
    EXPECT_TRUE(delivered(kMany + 1)) << deliveries;
  }
  EXPECT_EQ(deliveries, kMany + 1);
  EXPECT_EQ(store.hook_tallies().value().front().waiting, 0);
}

}  // namespace
}  // namespace countersign::ca
