// What a certificate may hold: nothing that the rule which matched does not grant.
#include <vector>

#include "tests/policy/policies.h"

namespace countersign::policy {
namespace {

struct Row {
  const char* grant;  // the line of the rule, "" for none
  RequestedName asked;
  bool granted;
};

TEST(Grant, OfNamesByType) {
  const std::string own = "web-1.example.com";
  for (const Row& row : std::vector<Row>{
           {"", {"dns", own}, true},
           {"", {"dns", "WEB-1.Example.com"}, true},
           {"", {"dns", "www.example.com"}, false},
           {"", {"dns", "web-1.example.com.evil.org"}, false},
           {"", {"dns", "*.example.com"}, false},
           {"", {"ip", "10.0.0.1"}, false},
           {"", {"email", "root@example.com"}, false},
           {"", {"uri", "spiffe://x"}, false},
           {"", {"directory", "CN=x"}, false},
           {"", {"registered_id", "1.2.3"}, false},
           {"", {"other", "x"}, false},
           {R"(grant = { dns = ["{certname}", "www.example.com"] })",
            {"dns", "www.example.com"},
            true},
           {R"(grant = { dns = "WWW.Example.com" })", {"dns", "www.example.com"}, true},
           {R"(grant = { dns = "www.example.com" })", {"dns", "WWW.EXAMPLE.COM"}, true},
           {R"(grant = { dns = "www.example.com" })", {"dns", own}, true},
           {R"(grant = { dns = "www.example.com" })", {"dns", "xwww.example.com"}, false},
           {R"(grant = { dns = "www.example.com" })", {"dns", "www.example.com."}, false},
           {R"(grant = { dns = "www.example.com" })", {"ip", "10.0.0.1"}, false},
           {R"(grant = { dns = "{certname}.internal" })", {"dns", own + ".internal"}, true},
           {R"(grant = { dns = "{certname}.internal" })", {"dns", "x.internal"}, false},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "a.svc.example.com"}, true},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "a.b.svc.example.com"}, true},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "svc.example.com"}, false},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "xsvc.example.com"}, false},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", ".svc.example.com"}, false},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "a b.svc.example.com"}, false},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "*.svc.example.com"}, true},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "*.a.svc.example.com"}, false},
           {R"(grant = { dns = "*.svc.example.com" })", {"dns", "a.*.svc.example.com"}, false},
           {R"(grant = { dns = "*.{certname}" })", {"dns", "a." + own}, true},
           {R"(grant = { dns = [] })", {"dns", "www.example.com"}, false},
           {R"(grant = { ip = "10.0.0.0/8" })", {"ip", "10.9.9.9"}, true},
           {R"(grant = { ip = "10.0.0.0/8" })", {"ip", "11.0.0.1"}, false},
           {R"(grant = { ip = "10.0.0.0/8" })", {"ip", ""}, false},
           {R"(grant = { ip = "10.0.0.0/8" })", {"dns", "10.9.9.9"}, false},
           {R"(grant = { ip = "2001:db8::/32" })", {"ip", "2001:db8::7"}, true},
           {R"(grant = { email = "root@{certname}" })", {"email", "root@" + own}, true},
           {R"(grant = { email = "root@example.com" })", {"email", "Root@example.com"}, false},
           {R"(grant = { uri = "spiffe://x/{certname}" })", {"uri", "spiffe://x/" + own}, true},
           {R"(grant = { uri = "spiffe://x/{certname}" })",
            {"uri", "spiffe://x/" + own + "/y"},
            false},
       }) {
    Facts request = facts(own);
    request.names = {row.asked};
    const Decision decision = policy(signing("any = true", row.grant))->decide(request);
    EXPECT_EQ(decision.action, row.granted ? Action::sign : Action::queue)
        << row.grant << " and " << row.asked.type << " " << row.asked.value;
    EXPECT_EQ(decision.trace[0].condition, row.granted ? "" : "grant." + row.asked.type);
    if (!row.granted) {
      EXPECT_NE(decision.trace[0].detail.find(row.asked.value), std::string::npos);
      EXPECT_TRUE(decision.granted.names.empty());
    }
  }
}

TEST(Grant, OfExtensions) {
  struct Case {
    const char* grant;
    const char* oid;
    bool granted;
  };
  for (const Case& row : std::vector<Case>{
           {"", "1.3.6.1.4.1.34380.1.1.13", false},
           {"", "2.5.29.19", false},
           {R"(grant = { extensions = ["pp_role"] })", "1.3.6.1.4.1.34380.1.1.13", true},
           {R"(grant = { extensions = ["pp_role"] })", "1.3.6.1.4.1.34380.1.1.1", false},
           {R"(grant = { extensions = ["pp_role"] })", "1.3.6.1.4.1.34380.1.1.130", false},
           {R"(grant = { extensions = "1.3.6.1.4.1.34380.1.2.7" })", "1.3.6.1.4.1.34380.1.2.7",
            true},
           {R"(grant = { extensions = "*" })", "1.3.6.1.4.1.34380.1.1.1", true},
           {R"(grant = { extensions = "*" })", "1.3.6.1.4.1.34380.1.2.99", true},
           {R"(grant = { extensions = "*" })", "1.3.6.1.4.1.34380.1.3.1", false},
           {R"(grant = { extensions = "*" })", "1.3.6.1.4.1.34380.1.3.39", false},
           {R"(grant = { extensions = "*" })", "1.3.6.1.4.1.34380.1.30.1", false},
           {R"(grant = { extensions = "*" })", "1.3.6.1.4.1.34380.1.1", false},
           {R"(grant = { extensions = "*" })", "2.5.29.15", false},
           {R"(grant = { extensions = ["*", "pp_auth_role"] })", "1.3.6.1.4.1.34380.1.3.13", true},
           {R"(grant = { extensions = ["*", "pp_auth_role"] })", "1.3.6.1.4.1.34380.1.3.39", false},
       }) {
    Facts request = facts();
    request.extensions = {{row.oid, false, "x"}};
    const Decision decision = policy(signing("any = true", row.grant))->decide(request);
    EXPECT_EQ(decision.action, row.granted ? Action::sign : Action::queue)
        << row.grant << " and " << row.oid;
    EXPECT_EQ(decision.trace[0].condition, row.granted ? "" : "grant.extensions");
  }
}

TEST(Grant, WithoutAGrantTheCertificateHoldsTheCertnameAlone) {
  EXPECT_EQ(names_of(policy(signing("any = true"))->decide(facts())), "dns:web-1.example.com");
}

TEST(Grant, AllowsAndDoesNotAdd) {
  const auto rules = policy(signing(
      "any = true", R"(grant = { dns = ["{certname}", "www.example.com"], ip = "10.0.0.0/8" })"));
  EXPECT_EQ(names_of(rules->decide(facts())), "dns:web-1.example.com");
  Facts request = facts();
  request.names = {{"ip", "10.0.0.1"}, {"dns", "WWW.example.com"}, {"dns", "www.example.com"}};
  EXPECT_EQ(names_of(rules->decide(request)),
            "dns:web-1.example.com ip:10.0.0.1 dns:www.example.com");
}

TEST(Grant, ThatLeavesTheCertnameOutDoesNotGiveItUnasked) {
  const auto rules = policy(signing("any = true", R"(grant = { dns = "www.example.com" })"));
  EXPECT_EQ(names_of(rules->decide(facts())), "");
  EXPECT_EQ(
      names_of(policy(signing("any = true", R"(grant = { extensions = "*" })"))->decide(facts())),
      "dns:web-1.example.com")
      << "a grant that says nothing of DNS names keeps the certname";
}

TEST(Grant, StripDropsWhatIsNotGranted) {
  Facts request = facts();
  request.names = {{"dns", "www.example.com"}, {"dns", "evil.org"}, {"ip", "10.0.0.1"}};
  request.extensions = {{"2.5.29.19", true, std::nullopt},
                        {"1.3.6.1.4.1.34380.1.3.39", false, "true"},
                        {"1.3.6.1.4.1.34380.1.1.13", false, "web"}};
  const Decision decision = policy(signing("any = true",
                                           "strip = true\ngrant = { dns = [\"{certname}\", "
                                           "\"www.example.com\"], extensions = \"*\" }"))
                                ->decide(request);
  EXPECT_EQ(decision.action, Action::sign);
  EXPECT_EQ(names_of(decision), "dns:web-1.example.com dns:www.example.com");
  EXPECT_EQ(decision.granted.extensions, std::vector<std::string>{"1.3.6.1.4.1.34380.1.1.13"});
}

TEST(Grant, ARequestForMoreGoesOnToTheNextRule) {
  const auto rules = policy(signing(R"(certname_regex = 'web-.*')") +
                            "[[rule]]\nname = \"wide\"\nmatch = { any = true }\n"
                            "grant = { dns = \"*.example.com\" }\naction = \"sign\"\n");
  Facts request = facts();
  request.names = {{"dns", "www.example.com"}};
  const Decision decision = rules->decide(request);
  EXPECT_EQ(decision.rule, "wide");
  ASSERT_EQ(decision.trace.size(), 2U);
  EXPECT_EQ(decision.trace[0].condition, "grant.dns");
  EXPECT_TRUE(decision.trace[1].matched);
}

TEST(Grant, ARuleThatQueuesLooksAtWhatIsAskedForOnlyIfItHasAGrant) {
  Facts request = facts();
  request.names = {{"dns", "evil.org"}};
  const std::string queue =
      "[[rule]]\nname = \"wait\"\nmatch = { any = true }\naction = \"queue\"\n";
  EXPECT_EQ(policy(queue)->decide(request).rule, "wait");
  EXPECT_FALSE(policy(queue)->decide(request).has_grant);
  EXPECT_TRUE(policy(queue)->decide(request).granted.names.empty());

  const auto granting = policy("default = \"deny\"\n" + queue +
                               "grant = { dns = [\"{certname}\", \"www.example.com\"] }\n");
  EXPECT_EQ(granting->decide(request).action, Action::deny);
  request.names = {{"dns", "www.example.com"}};
  const Decision waits = granting->decide(request);
  EXPECT_EQ(waits.action, Action::queue);
  EXPECT_TRUE(waits.has_grant);
  EXPECT_EQ(names_of(waits), "dns:web-1.example.com dns:www.example.com");
}

TEST(Grant, ARuleThatDeniesTakesWhatAsksForAnything) {
  Facts request = facts("evil-1");
  request.names = {{"uri", "x:y"}};
  request.extensions = {{"1.2.3", true, std::nullopt}};
  const auto rules = policy(
      "[[rule]]\nname = \"no\"\nmatch = { certname_regex = 'evil-.*' }\naction = \"deny\"\n" +
      signing("any = true", "strip = true"));
  EXPECT_EQ(rules->decide(request).action, Action::deny);
}

TEST(Grant, AThousandNamesAreGrantedOnceEach) {
  Facts request = facts();
  for (int i = 0; i < 1000; ++i) {
    request.names.push_back({"dns", "n" + std::to_string(i % 500) + ".example.com"});
  }
  const Decision decision =
      policy(signing("any = true", R"(grant = { dns = "*.example.com" })"))->decide(request);
  EXPECT_EQ(decision.action, Action::sign);
  EXPECT_EQ(decision.granted.names.size(), 500U);
}

}  // namespace
}  // namespace countersign::policy
