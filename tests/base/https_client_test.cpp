#include "base/https_client.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/base/tls_server.h"

namespace countersign {
namespace {

using countersign::testing::TlsServer;
using std::chrono::milliseconds;

constexpr milliseconds kLong{20000};

Result<HttpsResponse> get(const TlsServer& server, std::size_t limit = 1024) {
  return make_https_client()->send({.url = server.url("/x"),
                                    .ca_file = server.certificate(),
                                    .deadline = kLong,
                                    .body_limit = limit});
}

TlsServer::Answer always(const std::string& text) {
  return [text](const std::string&) { return text; };
}

TEST(HttpsClient, SendsWhatItIsGivenAndReturnsWhatComes) {
  const TlsServer server(always(TlsServer::response(
      "201 Created", "Content-Type: Application/JSON; charset=utf-8\r\nX-A: b\r\n", "hello")));
  const auto answer = make_https_client()->send({.method = "POST",
                                                 .url = server.url("/ask"),
                                                 .headers = {{"X-Given", "as is"}},
                                                 .body = "question",
                                                 .ca_file = server.certificate(),
                                                 .deadline = kLong});
  ASSERT_TRUE(answer.has_value()) << answer.error().detail << answer.error().cause;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(answer->media_type(), "application/json");
  EXPECT_EQ(answer->header("x-a"), "b");
  ASSERT_EQ(server.requests().size(), 1U);
  const std::string request = server.requests().front();
  EXPECT_TRUE(request.starts_with("POST /ask HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("X-Given: as is\r\n"), std::string::npos) << request;
  EXPECT_TRUE(request.ends_with("\r\n\r\nquestion")) << request;
}

TEST(HttpsClient, AnAnswerThatIsNotAGoodOneIsAnAnswer) {
  const TlsServer server(always(TlsServer::response("500 No", "", "sorry")));
  const auto answer = get(server);
  ASSERT_TRUE(answer.has_value()) << answer.error().cause;
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->body, "sorry");
}

TEST(HttpsClient, FollowsNoRedirect) {
  const TlsServer server(
      always(TlsServer::response("302 Found", "Location: file:///etc/passwd\r\n", "")));
  const auto answer = get(server);
  ASSERT_TRUE(answer.has_value()) << answer.error().cause;
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(answer->header("location"), "file:///etc/passwd");
  EXPECT_EQ(answer->body, "");
}

TEST(HttpsClient, SpeaksHttpsOnly) {
  for (const char* url : {"http://127.0.0.1:1/", "file:///etc/passwd", "127.0.0.1", "",
                          "ftp://127.0.0.1/x", "https://127.0.0.1/\r\nX: y"}) {
    const auto answer = make_https_client()->send({.url = url});
    ASSERT_TRUE(answer.has_error()) << url;
    EXPECT_EQ(answer.error().code, Code::malformed) << url;
  }
}

TEST(HttpsClient, RefusesAHeaderThatWouldBeTwo) {
  const auto answer = make_https_client()->send(
      {.url = "https://127.0.0.1:1/", .headers = {{"Authorization", "Bearer x\r\nX: y"}}});
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().code, Code::malformed);
}

TEST(HttpsClient, TrustsTheGivenFileAlone) {
  const TlsServer server(always(TlsServer::response("200 OK", "", "")));
  const TlsServer other(always(TlsServer::response("200 OK", "", "")));
  for (const std::filesystem::path& trusted :
       {other.certificate(), std::filesystem::path(), std::filesystem::path("/no/such/file")}) {
    const auto answer =
        make_https_client()->send({.url = server.url(), .ca_file = trusted, .deadline = kLong});
    ASSERT_TRUE(answer.has_error()) << trusted;
    EXPECT_EQ(answer.error().code, Code::unavailable) << trusted;
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpsClient, RefusesACertificateOfAnotherName) {
  const TlsServer server(always(TlsServer::response("200 OK", "", "")), "DNS:other.example.com");
  const auto answer = get(server);
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpsClient, RefusesTlsBelow12) {
  TlsServer server(always(TlsServer::response("200 OK", "", "")));
  server.limit_version(TLS1_1_VERSION);
  EXPECT_TRUE(get(server).has_error());
}

TEST(HttpsClient, ABodyOverTheLimitIsAnError) {
  const std::string body(1024, 'x');
  const TlsServer fits(always(TlsServer::response("200 OK", "", body)));
  EXPECT_EQ(get(fits, 1024)->body, body);
  const TlsServer above(always(TlsServer::response("200 OK", "", body + "x")));
  EXPECT_EQ(get(above, 1024).error().code, Code::too_large);
  const TlsServer without_length(always("HTTP/1.1 200 OK\r\n\r\n" + std::string(1U << 20U, 'x')));
  EXPECT_EQ(get(without_length, 1024).error().code, Code::too_large);
}

TEST(HttpsClient, HeadersWithoutEndAreAnError) {
  std::string headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10000; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
  const TlsServer server(always(headers + "\r\n"));
  EXPECT_EQ(get(server).error().code, Code::too_large);
  std::string early;
  for (int i = 0; i < 10000; ++i) early += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const TlsServer hints(always(early));
  EXPECT_EQ(get(hints).error().code, Code::too_large);
}

TEST(HttpsClient, TheDeadlineEndsWhateverHangs) {
  const TlsServer silent([](const std::string&) { return std::string(); });
  const TlsServer half(always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part"));
  auto answer = make_https_client()->send(
      {.url = silent.url(), .ca_file = silent.certificate(), .deadline = milliseconds(200)});
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_EQ(answer.error().detail, "no answer within 200 ms");
  answer = get(half);
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().code, Code::unavailable);
}

TEST(HttpsClient, CanBeToldToStop) {
  const TlsServer silent([](const std::string&) { return std::string(); });
  const std::atomic<bool> stop{true};
  const auto answer = make_https_client()->send({.url = silent.url(),
                                                 .ca_file = silent.certificate(),
                                                 .deadline = std::chrono::hours(1),
                                                 .cancel = &stop});
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().code, Code::unavailable);
}

TEST(HttpsClient, UsesNoProxyOfTheEnvironment) {
  const TlsServer server(always(TlsServer::response("200 OK", "", "")));
  ::setenv("https_proxy", "http://127.0.0.1:1", 1);
  const auto answer = get(server);
  ::unsetenv("https_proxy");
  EXPECT_TRUE(answer.has_value());
}

TEST(HttpsResponse, SaysHowLongItMayBeKept) {
  const std::vector<std::pair<std::string, std::optional<int>>> cases = {
      {"max-age=600", 600},
      {"public, Max-Age=60, must-revalidate", 60},
      {"no-store", 0},
      {"max-age=60, no-cache", 0},
      {"", std::nullopt},
      {"max-age=", std::nullopt},
      {"max-age=-1", std::nullopt},
      {"max-age=99999999999999999999", std::nullopt},
      {"s-maxage=5", std::nullopt},
      {",,,", std::nullopt},
  };
  for (const auto& [value, seconds] : cases) {
    const HttpsResponse response{.headers = {{"cache-control", value}}};
    const auto age = response.max_age();
    ASSERT_EQ(age.has_value(), seconds.has_value()) << value;
    EXPECT_EQ(age.value_or(std::chrono::seconds(-1)).count(), seconds.value_or(-1)) << value;
  }
}

}  // namespace
}  // namespace countersign
