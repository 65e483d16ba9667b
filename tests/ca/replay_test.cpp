// Stored requests decided again by another policy.
#include <algorithm>

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr const char* kSignWeb =
    "[[rule]]\nname = \"web\"\nmatch = { certname_regex = 'web-.*' }\naction = \"sign\"\n";
constexpr const char* kDenyWeb =
    "[[rule]]\nname = \"no web\"\nmatch = { certname_regex = 'web-.*' }\naction = \"deny\"\n";

class ReplayTest : public AuthorityTest {
 protected:
  Result<Replay> replay(const std::string& policy, Timestamp since = {},
                        const std::string& after = "") {
    ReplayOrder order;
    order.policy = policy;
    order.since = since;
    order.after = after;
    return run(authority->replay(std::move(order), admin));
  }

  // "queue by '' -> sign by 'web': 2 (web-1 web-2); ", a group after the other.
  static std::string text_of(const Replay& replay) {
    std::string text;
    for (const ReplayGroup& group : replay.groups) {
      const auto outcome = [](const ReplayOutcome& one) {
        return std::string(policy::to_string(one.action)) + " by '" + one.rule + "'";
      };
      text += outcome(group.was) + " -> " + outcome(group.now) + ": " +
              std::to_string(group.requests) + " (";
      for (const std::string& name : group.names) text += name + " ";
      text += "); ";
    }
    return text;
  }
};

TEST_F(ReplayTest, TellsOnlyWhatWouldChangeAndGroupsIt) {
  start("");
  for (const char* name : {"web-1", "db-1", "web-2"}) {
    ASSERT_TRUE(submit(csr(name)));
    clock.advance(std::chrono::milliseconds(1));  // ids sort by time
  }
  const auto found = replay(kSignWeb);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->examined, 3U);
  EXPECT_EQ(found->changed, 2U);
  EXPECT_EQ(text_of(*found), "queue by '' -> sign by 'web': 2 (web-1 web-2 ); ");
  EXPECT_EQ(found->next, "");
  const auto same = replay("");
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->groups.empty());
  EXPECT_EQ(store.requests({})->rows.size(), 3U) << "nothing is stored";
}

TEST_F(ReplayTest, WhatAPersonDecidedHadBeenQueuedByPolicy) {
  start("");
  const auto waits = submit(csr("web-1"));
  ASSERT_TRUE(waits);
  ASSERT_TRUE(run(authority->approve(waits->request.id, {}, op)));
  const auto found = replay(kDenyWeb);
  ASSERT_TRUE(found);
  EXPECT_EQ(text_of(*found), "queue by '' -> deny by 'no web': 1 (web-1 ); ");
}

TEST_F(ReplayTest, ARuleOfAnotherNameIsShownButIsNoOtherOutcome) {
  start(kSignWeb);
  ASSERT_TRUE(submit(csr("web-1")));
  std::string renamed = kSignWeb;
  renamed.replace(renamed.find("\"web\""), 5, "\"tier\"");
  const auto found = replay(renamed);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->changed, 0U);
  EXPECT_EQ(text_of(*found), "sign by 'web' -> sign by 'tier': 1 (web-1 ); ");
}

TEST_F(ReplayTest, BeginsWithTheTimeThatIsGiven) {
  start("");
  ASSERT_TRUE(submit(csr("web-1")));
  clock.advance(std::chrono::hours(48));
  const Timestamp between = clock.now() - std::chrono::hours(24);
  ASSERT_TRUE(submit(csr("web-2")));
  const auto found = replay(kSignWeb, between);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->examined, 1U);
  EXPECT_EQ(text_of(*found), "queue by '' -> sign by 'web': 1 (web-2 ); ");
  EXPECT_EQ(replay(kSignWeb, clock.now())->examined, 1U) << "that very moment counts";
  EXPECT_EQ(replay(kSignWeb, clock.now() + std::chrono::milliseconds(1))->examined, 0U);
}

TEST_F(ReplayTest, UsesTheSourceThatWasStored) {
  start("");
  ASSERT_TRUE(submit(csr("web-1")));  // from 192.0.2.1
  const std::string from =
      "[[rule]]\nname = \"net\"\nmatch = { source = \"192.0.2.0/24\" }\naction = \"sign\"\n";
  EXPECT_EQ(replay(from)->changed, 1U);
}

TEST_F(ReplayTest, ALiveCertificateIsOneThatWasValidWhenTheRequestCame) {
  config.puppet.allow_duplicate_certs = true;
  start(kSignWeb);
  ASSERT_TRUE(submit(csr("web-1")));
  clock.advance(std::chrono::hours(1));
  Submission second;
  second.csr = csr("web-1", {.key = 1});
  second.puppet = true;
  ASSERT_TRUE(run(authority->submit(std::move(second), op)));
  const std::string live =
      "[[rule]]\nname = \"again\"\nmatch = { live_certificate = true }\naction = \"deny\"\n" +
      std::string(kSignWeb);
  const auto found = replay(live);
  ASSERT_TRUE(found);
  EXPECT_EQ(text_of(*found), "sign by 'web' -> deny by 'again': 1 (web-1 ); ");
  EXPECT_TRUE(std::ranges::any_of(found->notes, [](const std::string& note) {
    return note.find("live_certificate") != std::string::npos;
  }));
}

TEST_F(ReplayTest, WhatALimitOrANameInUseHeldBackIsNoChangeUnderTheSameRule) {
  const std::string limited = std::string(kSignWeb) + "limit = { rule = \"1/d\" }\n";
  const std::string reusing = std::string(kSignWeb) + "reuse = \"queue\"\n";
  start(limited);
  ASSERT_TRUE(submit(csr("web-1"))->certificate);
  clock.advance(std::chrono::milliseconds(1));  // ids sort by time
  ASSERT_TRUE(submit(csr("web-2"))->request.retry_at);
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(text_of(*replay(limited)), "");
  start(reusing);
  ASSERT_EQ(submit(csr("web-1", {.key = 1}))->request.state, store::RequestState::queued);
  const auto same = replay(reusing);
  EXPECT_EQ(text_of(*same), "");
  EXPECT_TRUE(std::ranges::any_of(same->notes, [](const std::string& note) {
    return note.find("Limits and names in use") != std::string::npos;
  }));
  EXPECT_EQ(text_of(*replay(kDenyWeb)),
            "sign by 'web' -> deny by 'no web': 1 (web-1 ); "
            "queue by 'web' -> deny by 'no web': 2 (web-2 web-1 ); ");
}

TEST_F(ReplayTest, ANameOfTheServiceStaysHeldBack) {
  config.hostnames = {"web-1"};
  start("");
  ASSERT_TRUE(submit(csr("web-1")));
  EXPECT_EQ(replay(kSignWeb)->changed, 0U);
}

TEST_F(ReplayTest, APolicyWithAnErrorIsRefusedAndReadsNoFileButListsInUse) {
  folder.write("allow.txt", "web-1\n");
  folder.write("other.txt", "web-1\n");
  start("[[rule]]\nname = \"l\"\nmatch = { certname_file = \"allow.txt\" }\naction = \"queue\"\n");
  ASSERT_TRUE(submit(csr("web-1")));
  const auto listed = [](const std::string& file) {
    return "[[rule]]\nname = \"l\"\nmatch = { certname_file = \"" + file +
           "\" }\naction = \"sign\"\n";
  };
  const auto good = replay(listed("allow.txt"));
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->changed, 1U);
  for (const std::string& policy :
       {listed("other.txt"), listed("/etc/passwd"), std::string("default = 1\n")}) {
    const auto refused = replay(policy);
    ASSERT_TRUE(refused.has_error()) << policy;
    EXPECT_EQ(refused.error().code, Code::malformed);
  }
  EXPECT_NE(replay(listed("other.txt")).error().detail.find("'other.txt' is none that the policy"),
            std::string::npos);
}

TEST_F(ReplayTest, GoesOnFromWhereItStopped) {
  start("");
  for (const char* name : {"web-1", "web-2", "web-3"}) {
    ASSERT_TRUE(submit(csr(name)));
    clock.advance(std::chrono::milliseconds(1));  // ids sort by time
  }
  const auto rows = store.requests({})->rows;
  const auto found = replay(kSignWeb, {}, rows[0].id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->examined, 2U);
}

}  // namespace
}  // namespace countersign::ca
