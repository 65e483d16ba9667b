#include "policy/scope.h"

#include <gtest/gtest.h>

namespace countersign::policy {
namespace {

std::shared_ptr<const Scope> scope(std::vector<std::string> names,
                                   std::vector<std::string> rules = {}) {
  return Scope::make({std::move(names), std::move(rules)}).value();
}

TEST(Scope, HoldsTheNamesThatItIsWrittenWith) {
  struct Case {
    const char* entry;
    std::vector<const char*> within, outside;
  };
  const Case cases[] = {
      {"ci-7", {"ci-7"}, {"ci-77", "ci-7.example.com", "xci-7"}},
      {"ci-*", {"ci-7", "ci-a-b"}, {"ci-", "ci-7.example.com", "web-1", "xci-7"}},
      {"ci-*.example.com",
       {"ci-7.example.com"},
       {"ci-7", "ci-7.web.example.com", "ci-7xexample.com"}},
      {"*.lab.example.com",
       {"a.lab.example.com", "b.a.lab.example.com"},
       {"lab.example.com", ".lab.example.com", "a.lab.example.com.evil.org", "a.xlab.example.com"}},
      {"/ci-[0-9]+/", {"ci-7", "ci-77"}, {"ci-x", "ci-7x", "xci-7"}},
      // Anchored as a whole, whatever its alternatives.
      {"/ci-1|web-1/", {"ci-1", "web-1"}, {"ci-1-and-more", "not-web-1"}},
      {"*", {"a"}, {"a.b"}},
  };
  for (const Case& one : cases) {
    const auto made = scope({one.entry});
    for (const char* name : one.within) EXPECT_TRUE(made->holds(name)) << one.entry << " " << name;
    for (const char* name : one.outside)
      EXPECT_FALSE(made->holds(name)) << one.entry << " " << name;
  }
}

TEST(Scope, OfRulesAloneHoldsAnyNameAndTheOtherWayRound) {
  EXPECT_TRUE(scope({}, {"ci machines"})->holds("anything"));
  EXPECT_FALSE(scope({}, {"ci machines"})->holds_rule("web"));
  EXPECT_FALSE(scope({}, {"ci machines"})->holds_rule(""));
  EXPECT_TRUE(scope({"ci-*"})->holds_rule("web"));
}

TEST(Scope, IsNotMadeOfNonsense) {
  const std::vector<std::string> bad[] = {
      {}, {""}, {"CI-*"}, {"a b"}, {"/(/"}, {"ci-?"}, {"/"}, {"//"}, {std::string(1001, 'a')}};
  for (const auto& names : bad) {
    EXPECT_TRUE(Scope::make({names, {}}).has_error()) << (names.empty() ? "" : names.front());
  }
  EXPECT_TRUE(Scope::make({std::vector<std::string>(101, "a"), {}}).has_error());
}

TEST(Scope, LetsATokenBeMadeForWhatIsPlainlyWithin) {
  const auto names = scope({"ci-*", "/build[0-9]+/"});
  const auto refused = [&](const std::string& bounds) {
    return names->refusal(parse_token_bounds(bounds).value());
  };
  EXPECT_EQ(refused(R"({"certname":"ci-7"})"), "");
  EXPECT_EQ(refused(R"({"certname":"build7"})"), "");
  EXPECT_EQ(refused(R"({"certname_regex":"build[0-9]+"})"), "");
  EXPECT_EQ(refused(R"({"certname":"ci-7","dns":["ci-8"]})"), "");
  EXPECT_NE(refused(R"({"certname":"web-7"})"), "");
  // It is within, and nobody can tell that of expressions in general.
  EXPECT_NE(refused(R"({"certname_regex":"build[0-8]"})"), "");
  EXPECT_NE(refused(R"({"certname_regex":"ci-.*"})"), "");
  EXPECT_NE(refused(R"({"certname_regex":"build[0-9]+|web-1"})"), "");
  EXPECT_NE(refused(R"({"certname":"ci-7","dns":["*.example.com"]})"), "");
}

TEST(Scope, MeansTheSameWhenItWasStored) {
  const ScopeTerms terms{{"ci-*", "/a\"b/"}, {"rule 'x'"}};
  EXPECT_EQ(parse_scope_terms(to_json(terms)).value(), terms);
  EXPECT_EQ(to_json(ScopeTerms{}), "");
  EXPECT_EQ(parse_scope_terms("").value(), ScopeTerms{});
  // Nothing that could be read as "everything" by mistake.
  for (const char* bad : {"{}", "[]", "null", R"({"certnames":[]})", R"({"certname":["a"]})",
                          R"({"certnames":"a"})", R"({"certnames":[1]})", "{"}) {
    EXPECT_TRUE(parse_scope_terms(bad).has_error()) << bad;
  }
}

}  // namespace
}  // namespace countersign::policy
