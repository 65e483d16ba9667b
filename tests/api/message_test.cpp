#include "api/http/message.h"

#include <gtest/gtest.h>

#include "api/http/wire.h"

namespace countersign::api {
namespace {

std::string_view sent(const WireResponse& wire) { return {wire.body().data(), wire.body().size()}; }

namespace http = boost::beast::http;

TEST(Message, PercentDecodesOnceAndStrictly) {
  const std::pair<const char*, std::optional<std::string>> cases[] = {
      {"", ""},
      {"abc", "abc"},
      {"%61b%2Fc", "ab/c"},
      {"%2561", "%61"},
      {"a+b", "a+b"},
      {"%", std::nullopt},
      {"%4", std::nullopt},
      {"%4g", std::nullopt},
      {"%-1", std::nullopt},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(percent_decode(text), wanted) << text;
}

TEST(Message, FindsAValueOfTheQuery) {
  EXPECT_EQ(query_value("a=1&b=2", "b"), "2");
  EXPECT_EQ(query_value("a=1&a=2", "a"), "1");
  EXPECT_EQ(query_value("m=web-%5B0-9%5D%2B+x", "m"), "web-[0-9]+ x");
  EXPECT_EQ(query_value("a&b=", "a"), "");
  EXPECT_EQ(query_value("a&b=", "b"), "");
  EXPECT_EQ(query_value("%61=1", "a"), "1");
  EXPECT_EQ(query_value("a=%zz", "a"), std::nullopt);
  EXPECT_EQ(query_value("", "a"), std::nullopt);
}

TEST(Message, HeadersAreFoundInAnyCase) {
  Request request;
  request.headers = {{"CONTENT-type", "a"}, {"Content-Type", "b"}};
  EXPECT_EQ(request.header("content-type"), "a");
  EXPECT_EQ(request.header("accept"), "");
}

TEST(Message, ThePreferredTypeIsTheOneThatTheClientLikesBest) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "application/json"},
      {"*/*", "application/json"},
      {"application/json, text/plain, */*", "application/json"},
      {"text/plain", "text/plain"},
      {"TEXT/PLAIN", "text/plain"},
      {"text/*", "text/plain"},
      {"application/x-pem-file;q=0.9, */*;q=0.1", "application/x-pem-file"},
      {"application/json;q=0, text/plain;q=0.001", "text/plain"},
      {"text/plain; q=0.5, application/json;q=0.6", "application/json"},
      {"image/png", "application/json"},
      {",;;,q=", "application/json"},
  };
  for (const auto& [accept, wanted] : cases) {
    Request request;
    request.headers = {{"Accept", accept}};
    EXPECT_EQ(preferred_type(request, {"application/json", "application/x-pem-file", "text/plain"}),
              wanted)
        << accept;
  }
}

TEST(Message, ABrowserThatWasSentByAnotherSiteIsKnown) {
  const std::pair<const char*, bool> cases[] = {{"", false},
                                                {"same-origin", false},
                                                {"none", false},
                                                {"cross-site", true},
                                                {"same-site", true}};
  for (const auto& [site, wanted] : cases) {
    Request request;
    request.headers = {{"Sec-Fetch-Site", site}};
    EXPECT_EQ(from_another_site(request), wanted) << site;
  }
}

TEST(Wire, TheTargetIsCutIntoPathAndQuery) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"/a/b", "/a/b", ""},
      {"/a?b=c?d", "/a", "b=c?d"},
      {"/a?", "/a", ""},
      {"https://ca.example.com:8140/a?b", "/a", "b"},
      {"http://ca.example.com", "/", ""},
      {"https://ca.example.com?q", "", "q"},
      {"/a/http://b", "/a/http://b", ""},
      {"*", "*", ""},
      {"/%2e%2e/a", "/%2e%2e/a", ""},
  };
  for (const auto& [target, path, query] : cases) {
    WireRequest message(http::verb::get, target, 11);
    const Request request = from_wire(std::move(message), "192.0.2.1");
    EXPECT_EQ(request.path, path) << target;
    EXPECT_EQ(request.query, query) << target;
    EXPECT_EQ(request.target, target);
    EXPECT_EQ(request.request_id.size(), 16U);
  }
}

TEST(Wire, ABodyGoesOnlyWhereOneMayBe) {
  Response response;
  response.body = "hello";
  EXPECT_EQ(sent(to_wire(response, 11, false, true)), "hello");
  EXPECT_EQ(sent(to_wire(response, 11, true, true)), "");
  EXPECT_EQ(to_wire(response, 11, true, true)[http::field::content_length], "5");
  for (const unsigned status : {204U, 304U}) {
    response.status = status;
    EXPECT_EQ(sent(to_wire(response, 11, false, true)), "");
    EXPECT_EQ(to_wire(response, 11, false, true)[http::field::content_type], "text/plain");
  }
  response.content_type = "";
  EXPECT_EQ(to_wire(response, 11, false, true).count(http::field::content_type), 0U);
}

TEST(Wire, AValueCannotStartAnotherHeader) {
  Response response;
  response.headers = {{"Location", "/a\r\nX-Evil: 1"}, {"Allow", "GET"}};
  const WireResponse wire = to_wire(response, 11, false, true);
  EXPECT_EQ(wire.count("Location"), 0U);
  EXPECT_EQ(wire["Allow"], "GET");
}

}  // namespace
}  // namespace countersign::api
