#include "api/http/router.h"

#include <gtest/gtest.h>

namespace countersign::api {
namespace {

Router router() {
  const Handler handler = [](Request) -> boost::asio::awaitable<Response> { co_return Response(); };
  Router made;
  made.add("GET", "/v1/requests", handler);
  made.add("POST", "/v1/requests", handler);
  made.add("GET", "/v1/requests/{id}", handler);
  made.add("POST", "/v1/requests/{id}/approve", handler);
  return made;
}

TEST(Router, FindsWhatFitsAndNothingElse) {
  struct Case {
    const char* path;
    const char* id;  // null: nothing is found
  };
  const Case cases[] = {
      {"/v1/requests", ""},
      {"/v1/request%73", ""},
      {"/v1/requests/A1", "A1"},
      {"/v1/requests/a%20b", "a b"},
      {"/v1/requests/%2541", "%41"},
      {"/v1/requests/a+b", "a+b"},
      {"/v1/requests/..a", "..a"},
      {"", nullptr},
      {"/", nullptr},
      {"v1/requests", nullptr},
      {"/v1", nullptr},
      {"/v1/requests/", nullptr},
      {"//v1/requests", nullptr},
      {"/v1//requests", nullptr},
      {"/V1/requests", nullptr},
      {"/v1/requests/.", nullptr},
      {"/v1/requests/..", nullptr},
      {"/v1/requests/%2e%2e", nullptr},
      {"/v1/x/../requests", nullptr},
      {"/v1/requests/a%2Fb", nullptr},
      {"/v1%2Frequests", nullptr},
      {"/v1/requests/a%00", nullptr},
      {"/v1/requests/%zz", nullptr},
      {"/v1/requests/%", nullptr},
      {"/v1/requests/a/b", nullptr},
  };
  const Router table = router();
  for (const Case& one : cases) {
    const auto found = table.find("GET", one.path);
    const auto* hit = std::get_if<Router::Found>(&found);
    EXPECT_EQ(hit != nullptr, one.id != nullptr) << one.path;
    if (hit == nullptr || one.id == nullptr) continue;
    const auto id = hit->parameters.find("id");
    EXPECT_EQ(id == hit->parameters.end() ? "" : id->second, one.id) << one.path;
  }
}

TEST(Router, SaysWhichMethodsAPathTakes) {
  const Router table = router();
  const auto found = table.find("DELETE", "/v1/requests");
  const auto* other = std::get_if<Router::NoMethod>(&found);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->allowed, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_TRUE(
      std::holds_alternative<Router::NoMethod>(table.find("GET", "/v1/requests/a/approve")));
  EXPECT_TRUE(std::holds_alternative<Router::NoPath>(table.find("GET", "/v1/other")));
}

}  // namespace
}  // namespace countersign::api
