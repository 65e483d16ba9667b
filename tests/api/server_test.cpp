#include "api/http/server.h"

#include <signal.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>

#include "tests/api/api_fixture.h"
#include "tests/api/tls_client.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ca::testing::eventually;
using std::chrono::milliseconds;

class ServerTest : public ApiTest {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    // OpenSSL reads the system's clock.
    clock.advance(system_clock().now() - clock.now());
    config.hostnames = {"localhost"};
    serve();
  }
  void TearDown() override {
    server.reset();
    work.reset();
    io.stop();
    if (thread.joinable()) thread.join();
    sessions.stop();
    authority.reset();  // before the loops that its threads may still post to
  }

  void listen() {
    ClientTrust trust;
    trust.ca_pem = authority->chain_pem();
    trust.trusted = [this](const x509::Certificate& c) { return authority->trusted(c); };
    trust.revocations = [this] { return authority->revocations(); };
    const auto echo = [](Request asked) -> boost::asio::awaitable<Response> {
      Response response;
      // Does not look at asked.refused, as no front end should.
      response.body = asked.method + " " + asked.path + " " + asked.body;
      if (asked.client_certificate) response.body += asked.client_certificate->common_name();
      co_return response;
    };
    const auto slow = [this](Request) -> boost::asio::awaitable<Response> {
      started.set_value();
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      while (!released) {
        timer.expires_after(milliseconds(5));
        co_await timer.async_wait(boost::asio::use_awaitable);
      }
      Response response;
      response.body = "done";
      co_return response;
    };
    const auto broken = [](Request asked) -> boost::asio::awaitable<Response> {
      if (!asked.refused) throw std::runtime_error("a defect");
      Response response;
      response.status = asked.refused->status;
      response.body = asked.refused->error.detail;
      co_return response;
    };
    std::vector<std::pair<std::string, Handler>> prefixes = {
        {"/v1", rest}, {"/echo", echo}, {"/slow", slow}, {"/broken", broken}};
    prefixes.insert(prefixes.end(), extra.begin(), extra.end());
    server = std::make_unique<Server>(io, sessions, limits, trust, prefixes);
    auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
    const auto made = run(authority->issue_service_certificate(key.public_key()));
    ASSERT_TRUE(made) << made.error().detail;
    ASSERT_TRUE(server->set_certificate((*made)->pem() + authority->chain_pem(), key.to_pem("")));
    const auto bound = server->listen("127.0.0.1:0");
    ASSERT_TRUE(bound) << bound.error().detail;
    port = static_cast<unsigned>(std::stoul(bound->substr(bound->rfind(':') + 1)));
    thread = std::thread([this] { io.run(); });
  }
  // Answers /large with the text.
  void listen_with_large(std::string text) {
    const auto shared = std::make_shared<const std::string>(std::move(text));
    extra = {{"/large", [shared](Request) -> boost::asio::awaitable<Response> {
                Response response;
                response.shared_body = shared;
                co_return response;
              }}};
    listen();
  }
  std::string leaf(const std::string& name) {
    const auto outcome = submit(csr(name));
    EXPECT_TRUE(outcome && outcome->certificate);
    return certificate_of(*outcome)->pem();
  }
  static std::string key_pem() { return ca::testing::machine_key().to_pem(""); }

  boost::asio::io_context io{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work{
      boost::asio::make_work_guard(io)};
  std::thread thread;
  SessionThreads sessions{2};
  Limits limits;
  std::unique_ptr<Server> server;
  unsigned port = 0;
  std::promise<void> started;
  std::atomic<bool> released{false};
  std::vector<std::pair<std::string, Handler>> extra;
  std::vector<std::unique_ptr<TlsClient>> extra_clients;
};

TEST_F(ServerTest, AnswersOverTls12And13OnAKeptConnection) {
  listen();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION, TLS1_1_VERSION}) {
    TlsClient client(port);
    client.limit_version(version);
    if (version == TLS1_1_VERSION) {
      EXPECT_FALSE(client.handshake());
      continue;
    }
    ASSERT_TRUE(client.handshake());
    for (const char* path : {"/echo/a", "/echo/b"}) {
      const std::string text = client.get(path);
      EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
      EXPECT_TRUE(text.ends_with("GET " + std::string(path) + " ")) << text;
    }
    EXPECT_TRUE(client.get("/nothing").starts_with("HTTP/1.1 404"));
  }
}

TEST_F(ServerTest, RequestsThatComeAtOnceAreAnsweredInOrder) {
  listen();
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  ASSERT_TRUE(
      client.send("GET /echo/1 HTTP/1.1\r\nHost: a\r\n\r\n"
                  "POST /echo/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                  "HEAD /echo/3 HTTP/1.1\r\nHost: a\r\n\r\n"
                  "GET https://ca.example.com/echo/4?x HTTP/1.1\r\nHost: a\r\n\r\n"
                  "POST /echo/5 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
                  "FOO /echo/6 HTTP/1.1\r\nHost: a\r\n\r\n"
                  "GET /echo/7 HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(client.response().ends_with("GET /echo/1 "));
  EXPECT_TRUE(client.response().ends_with("POST /echo/2 abc"));
  EXPECT_TRUE(client.response(true).ends_with("Content-Length: 13\r\n\r\n"));
  EXPECT_TRUE(client.response().ends_with("GET /echo/4 "));
  EXPECT_TRUE(client.response().ends_with("POST /echo/5 abc"));
  EXPECT_TRUE(client.response().ends_with("FOO /echo/6 "));
  EXPECT_TRUE(client.response().ends_with("GET /echo/7 "));
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, AClientThatAsksFirstIsToldToGoOn) {
  limits.body_bytes = 100;
  listen();
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  const std::string head = "PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
  ASSERT_TRUE(client.send(head + "Content-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("hi"));
  EXPECT_TRUE(client.response().ends_with("PUT /echo hi"));
  ASSERT_TRUE(client.send(head + "Content-Length: 101\r\n\r\n"));
  EXPECT_TRUE(client.response().starts_with("HTTP/1.1 413"));
}

TEST_F(ServerTest, WhatIsTooLargeOrNoHttpIsToldSoInTheFormOfItsPath) {
  limits.header_bytes = 2048;
  limits.body_bytes = 4096;
  listen();
  const std::string big(100'000, 'x');
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = host + "Transfer-Encoding: chunked\r\n\r\n";
  const std::tuple<std::string, const char*, bool> cases[] = {
      {"GET /v1/crl" + host + "X: " + big + "\r\n\r\n", "431", true},
      {"GET /echo" + host + "X: " + big + "\r\n\r\n", "431", false},
      {"POST /v1/requests" + host + "Content-Length: 100000\r\n\r\n" + big, "413", true},
      {"POST /v1/requests" + host + "Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + big, "413",
       true},
      {"GET /" + big + host + "\r\n", "431", false},
      {"hello\r\n\r\n", "400", false},
      {"GET /v1/crl" + host + "Content-Length: -1\r\n\r\n", "400", true},
      {"POST /v1/requests" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
       "400", true},
      {"GET /v1/crl HTTP/9.9\r\n\r\n", "400", false},
      {std::string("GET /\0 HTTP/1.1\r\n\r\n", 18), "400", false},
      {"GET /v1/crl HTTP/1.1\r\n\r\n", "400", true},
      {"GET /v1/crl" + host + "Host: b\r\n\r\n", "400", true},
      {"POST /v1/requests" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501",
       true},
      {"GET /v1/crl" + chunked + "0\r\nX-Client-DN: CN=operator\r\n\r\n", "400", true},
      {"GET /v1/crl" + chunked + "0\r\nX: " + big + "\r\n\r\n", "431", true},
      {"GET /v1/crl" + chunked + "1;x=" + big + "\r\na\r\n0\r\n\r\n", "431", true},
  };
  for (const auto& [text, status, problem] : cases) {
    TlsClient client(port);
    ASSERT_TRUE(client.handshake());
    client.send(text);
    const std::string answer = client.response();
    EXPECT_EQ(answer.substr(9, 3), status) << text.substr(0, 60);
    if (problem) {
      EXPECT_NE(answer.find("\r\nContent-Type: application/problem+json\r\n"), std::string::npos)
          << text.substr(0, 60) << answer;
      EXPECT_NE(answer.find(std::string("\"status\":") + status), std::string::npos);
    }
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << text.substr(0, 60) << "\n"
                                                                   << answer;
  }
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(client.get("/echo").starts_with("HTTP/1.1 200")) << "still up";
}

TEST_F(ServerTest, TrailersAndLongChunkExtensionsAreRefusedAndNoneIsHeld) {
  listen();
  const std::string begin =
      "POST /v1/requests HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string big(1'000'000, 'x');
  std::string many;
  while (many.size() < big.size()) many += "X-Client-DN: CN=operator\r\n";
  std::string chunks;
  while (chunks.size() < big.size()) chunks += "1;" + big.substr(0, 10'000) + "\r\nx\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {"0\r\n" + many + "\r\n", "431"},
      {"0\r\nX: " + big + "\r\n\r\n", "431"},
      {"1;" + big + "\r\nx\r\n0\r\n\r\n", "431"},
      {chunks + "0\r\n\r\n", "413"},
      {"1\r\nx\r\n0\r\nX-Client-DN: CN=operator\r\n\r\n", "400"},
      {"1\r\nx\r\n0\r\nAuthorization: Bearer a\r\n\r\n", "400"},
  };
  for (const auto& [body, status] : cases) {
    TlsClient client(port);
    ASSERT_TRUE(client.handshake());
    client.send(begin + body);
    const std::string answer = client.response();
    EXPECT_EQ(answer.substr(9, 3), status) << body.substr(0, 60) << "\n" << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << body.substr(0, 60);
  }
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(client.response().ends_with("POST /echo abcde")) << "an ordinary one";
}

TEST_F(ServerTest, ATrailerIsNoHeaderEvenForTheWordsOfTheRefusal) {
  std::vector<std::pair<std::string, std::string>> seen;
  const Handler refuse = [&](Request asked) -> boost::asio::awaitable<Response> {
    seen = asked.headers;
    Response response;
    response.status = asked.refused ? asked.refused->status : 200;
    co_return response;
  };
  extra = {{"/seen", refuse}};
  listen();
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  client.send(
      "POST /seen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\nX-Client-DN: CN=operator\r\n\r\n");
  EXPECT_EQ(client.response().substr(9, 3), "400");
  EXPECT_EQ(seen.size(), 2U) << "Host and Transfer-Encoding";
}

TEST_F(ServerTest, AClientThatSendsByteByByteIsCutAtTheLimit) {
  limits.read = milliseconds(400);
  listen();
  for (const char* begin :
       {"", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"}) {
    TlsClient client(port);
    ASSERT_TRUE(client.handshake());
    client.send(std::string(begin) + "G");
    int sent = 0;
    while (sent < 2000 && server->connections() > 0 && client.send("x")) {
      ++sent;
      std::this_thread::sleep_for(milliseconds(20));
    }
    EXPECT_LT(sent, 2000);
    EXPECT_TRUE(client.ended());
  }
}

TEST_F(ServerTest, ASilentClientIsCutAtEachStage) {
  limits.handshake = limits.read = limits.idle = milliseconds(300);
  listen();
  TlsClient no_handshake(port);
  TlsClient no_request(port);
  TlsClient no_second(port);
  TlsClient half(port);
  ASSERT_TRUE(no_request.handshake());
  ASSERT_TRUE(no_second.handshake());
  ASSERT_TRUE(half.handshake());
  ASSERT_FALSE(no_second.get("/echo").empty());
  ASSERT_TRUE(half.send("GET /echo HTT"));
  EXPECT_TRUE(no_handshake.ended_plain());
  EXPECT_TRUE(no_request.ended());
  EXPECT_TRUE(no_second.ended());
  EXPECT_TRUE(half.ended());
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(ServerTest, OverTheCapAClientIsToldToComeBackAndFarOverItIsCut) {
  limits.connections = 2;
  listen();
  TlsClient first(port);
  TlsClient second(port);
  ASSERT_TRUE(first.handshake());
  ASSERT_TRUE(second.handshake());
  ASSERT_FALSE(first.get("/echo").empty());
  ASSERT_FALSE(second.get("/echo").empty());
  TlsClient third(port);
  ASSERT_TRUE(third.handshake());
  TlsClient fourth(port);
  EXPECT_FALSE(fourth.handshake());
  const std::string answer = third.get("/v1/crl");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("\r\nRetry-After: "), std::string::npos) << answer;
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << answer;
  EXPECT_TRUE(third.ended());
  EXPECT_FALSE(first.get("/echo").empty()) << "those who were first are served on";
}

TEST_F(ServerTest, OneSourceCannotTakeAllConnections) {
  limits.connections_per_source = 2;
  limits.unlimited_sources = {*policy::Cidr::parse("127.0.0.3")};
  listen();
  TlsClient first(port);
  TlsClient second(port);
  ASSERT_FALSE(!first.handshake() || first.get("/echo").empty());
  ASSERT_FALSE(!second.handshake() || second.get("/echo").empty());
  TlsClient third(port);
  ASSERT_TRUE(third.handshake());
  TlsClient fourth(port);
  EXPECT_FALSE(fourth.handshake());
  const std::string answer = third.get("/v1/crl");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("\r\nRetry-After: "), std::string::npos) << answer;
  TlsClient other(port, "", "", "127.0.0.2");
  ASSERT_TRUE(other.handshake());
  EXPECT_TRUE(other.get("/echo").starts_with("HTTP/1.1 200")) << "another source";
  for (int i = 0; i < 5; ++i) {
    auto& proxied =
        extra_clients.emplace_back(std::make_unique<TlsClient>(port, "", "", "127.0.0.3"));
    ASSERT_TRUE(proxied->handshake());
    EXPECT_TRUE(proxied->get("/echo").starts_with("HTTP/1.1 200")) << "a source without a bound";
  }
  EXPECT_EQ(server->counts().refused_source, 2U);
  EXPECT_EQ(server->counts().refused_total, 0U);
}

TEST_F(ServerTest, AConnectionThatEndsMakesRoomForItsSource) {
  limits.connections_per_source = 1;
  limits.unlimited_sources.clear();
  listen();
  for (int i = 0; i < 5; ++i) {
    {
      TlsClient client(port);
      ASSERT_TRUE(client.handshake());
      EXPECT_TRUE(client.get("/echo").starts_with("HTTP/1.1 200"));
    }
    ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
  }
}

TEST_F(ServerTest, OfTooManyHandshakesOfASourceTheOldestSilentOneGoes) {
  limits.handshakes_per_source = 2;
  limits.unlimited_sources.clear();
  listen();
  TlsClient silent(port);
  TlsClient also_silent(port);
  ASSERT_TRUE(eventually([&] { return server->connections() == 2; }));
  TlsClient elsewhere(port, "", "", "127.0.0.2");
  EXPECT_TRUE(elsewhere.handshake()) << "another source has room of its own";
  // Within their first second they might be slow and honest: the newcomer is refused.
  EXPECT_TRUE(eventually([&] {
    TlsClient honest(port);
    return honest.handshake() && honest.get("/echo").starts_with("HTTP/1.1 200");
  }));
  EXPECT_TRUE(silent.ended_plain());
  EXPECT_GE(server->counts().refused_handshakes, 1U);
}

TEST_F(ServerTest, ASmallAnswerIsOneRecordAndALargeOneComesWhole) {
  const std::string text(3'000'000, 'x');
  listen_with_large(text);
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(client.record().ends_with("GET /echo ")) << "header and body";
  ASSERT_TRUE(client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  std::string got;
  while (got.size() < text.size()) {
    const std::string part = client.record();
    ASSERT_FALSE(part.empty()) << got.size();
    got += part;
    if (got.ends_with(text)) break;
  }
  EXPECT_TRUE(got.ends_with("\r\n\r\n" + text));
  EXPECT_FALSE(client.get("/echo").empty()) << "the connection is kept";
}

TEST_F(ServerTest, AnAnswerThatNobodyReadsIsCutAtTheLimit) {
  limits.write = milliseconds(300);
  listen_with_large(std::string(50'000'000, 'x'));
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  ASSERT_TRUE(client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(ServerTest, AConnectionHasOneHandshake) {
  listen();
  TlsClient client(port);
  client.limit_version(TLS1_2_VERSION);
  ASSERT_TRUE(client.handshake());
  ASSERT_FALSE(client.get("/echo").empty());
  EXPECT_FALSE(client.renegotiate());
}

TEST_F(ServerTest, AClientThatSendsNoMoreStillGetsItsAnswer) {
  listen();
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  ASSERT_TRUE(client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.half_close();
  EXPECT_TRUE(client.response().ends_with("GET /echo "));
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, ADrainFinishesWhatRunsAndClosesWhatWaits) {
  listen();
  TlsClient idle(port);
  ASSERT_TRUE(idle.handshake());
  ASSERT_FALSE(idle.get("/echo").empty());
  TlsClient busy(port);
  ASSERT_TRUE(busy.handshake());
  ASSERT_TRUE(busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_EQ(started.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  std::promise<void> drained;
  auto done = drained.get_future();
  server->drain([&] { drained.set_value(); });
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(eventually([&] {
    TlsClient late(port);
    return !late.connected() || !late.handshake();
  }));
  EXPECT_EQ(done.wait_for(milliseconds(0)), std::future_status::timeout);
  released = true;
  const std::string answer = busy.response();
  EXPECT_TRUE(answer.ends_with("done")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(busy.ended());
  EXPECT_EQ(done.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerTest, ADrainWithNobodyThereIsDoneAtOnce) {
  listen();
  std::promise<void> drained;
  server->drain([&] { drained.set_value(); });
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

// Connections come, speak and go while the drain begins: none may be left waiting.
TEST_F(ServerTest, ADrainInTheMiddleOfTrafficEnds) {
  listen();
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  std::atomic<int> answers{0};
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        TlsClient client(port);
        if (!client.connected() || !client.handshake()) continue;
        for (int n = 0; n < 3 && !client.get("/echo").empty(); ++n) ++answers;
      }
    });
  }
  ASSERT_TRUE(eventually([&] { return answers > 20; }));
  std::promise<void> drained;
  server->drain([&] { drained.set_value(); });
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  stop = true;
  for (auto& client : clients) client.join();
}

TEST_F(ServerTest, ACertificateOfOursIsSeenAndAForeignOneFailsTheHandshake) {
  listen();
  TlsClient ours(port, leaf("web-1.example.com"), key_pem());
  ASSERT_TRUE(ours.handshake());
  EXPECT_TRUE(ours.get("/echo").ends_with("web-1.example.com"));

  // By another CA; and by our own key, but with no row in the store.
  x509::CertificateContent content = x509::testing::leaf_content();
  content.spki = to_bytes(ca::testing::machine_key().public_key().spki());
  const std::string foreign =
      x509::Certificate::parse(x509::testing::issue(content)).value()->pem();
  ca::Grant grant;
  grant.certname = "web-2.example.com";
  grant.names = {dns("web-2.example.com")};
  const auto by_us = issuer();
  auto prepared = by_us->prepare(ca::Profile(), grant, ca::testing::machine_key().public_key());
  const std::string unknown = by_us->issue(std::move(*prepared)).value()->pem();
  for (const std::string& pem : {foreign, unknown}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClient client(port, pem, key_pem());
      client.limit_version(version);
      // TLS 1.3 tells the client only after its own part of the handshake.
      EXPECT_TRUE(!client.handshake() || client.get("/echo").empty());
    }
  }
}

TEST_F(ServerTest, ARevokedCertificateIsRefusedAtTheDoorAndOnAKeptConnection) {
  listen();
  const std::string pem = leaf("web-1.example.com");
  TlsClient kept(port, pem, key_pem());
  ASSERT_TRUE(kept.handshake());
  ASSERT_FALSE(kept.get("/echo").empty());
  TlsClient stranger(port);
  ASSERT_TRUE(stranger.handshake());
  ASSERT_TRUE(
      run(authority->revoke_name("web-1.example.com", x509::RevocationReason::key_compromise, op)));
  EXPECT_TRUE(kept.get("/echo").empty());
  TlsClient again(port, pem, key_pem());
  EXPECT_TRUE(!again.handshake() || again.get("/echo").empty());
  EXPECT_FALSE(stranger.get("/echo").empty()) << "others are not touched";
}

TEST_F(ServerTest, ADefectOfAHandlerIsA500AndTheConnectionStays) {
  listen();
  TlsClient client(port);
  ASSERT_TRUE(client.handshake());
  const std::string answer = client.get("/broken");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << answer;
  EXPECT_EQ(answer.find("a defect"), std::string::npos);
  EXPECT_NE(answer.find("see the log for request"), std::string::npos);
  EXPECT_FALSE(client.get("/echo").empty());
}

TEST_F(ServerTest, ANewCertificateIsUsedForTheNextHandshake) {
  listen();
  TlsClient before(port);
  ASSERT_TRUE(before.handshake());
  EXPECT_TRUE(server->set_certificate("nonsense", "nonsense").has_error());
  auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
  const auto made = run(authority->issue_service_certificate(key.public_key()));
  ASSERT_TRUE(server->set_certificate((*made)->pem() + authority->chain_pem(), key.to_pem("")));
  TlsClient after(port);
  ASSERT_TRUE(after.handshake());
  EXPECT_FALSE(before.get("/echo").empty());
  EXPECT_FALSE(after.get("/echo").empty());
}

TEST_F(ServerTest, AnAddressMustBeOne) {
  server = std::make_unique<Server>(io, sessions, limits, ClientTrust(),
                                    std::vector<std::pair<std::string, Handler>>());
  for (const char* bad : {"", "8140", ":8140", "localhost:8140", "127.0.0.1", "127.0.0.1:x",
                          "127.0.0.1:65536", "[::1", "127.0.0.1:-1"}) {
    const auto bound = server->listen(bad);
    ASSERT_TRUE(bound.has_error()) << bad;
    EXPECT_EQ(bound.error().code, Code::malformed) << bad;
  }
  EXPECT_EQ(server->listen("203.0.113.1:1").error().code, Code::unavailable);
}

}  // namespace
}  // namespace countersign::api
