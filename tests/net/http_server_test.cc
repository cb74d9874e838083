#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

HttpResponse Echo(const HttpRequest& request) {
  return {.status = 200,
          .headers = {{"x-host", request.host}},
          .body = absl::StrCat(request.method, " ", request.target, " [", request.body, "]"),
          .delay = {}};
}

std::unique_ptr<HttpServer> Serve(HttpHandler handler = Echo, HttpServer::Options options = {}) {
  auto server = HttpServer::Create(options, std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

// What comes back until the server closes the connection.
std::string AnswerTo(const std::string& bytes, HttpServer::Options options = {}) {
  const auto server = Serve(Echo, options);
  RawPeer peer = RawPeer::Connect(server->port());
  peer.Send(bytes);
  return peer.ReadToEnd();
}

TEST(HttpServerTest, AnswersRequestsOnOneConnection) {
  const auto server = Serve();
  RawPeer peer = RawPeer::Connect(server->port());
  peer.Send("GET /a?q=1 HTTP/1.1\r\nHost: Shop.localhost:80\r\n\r\n");
  const std::string first = peer.ReadReply();
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(first, HasSubstr("x-host: shop.localhost:80\r\n"));
  EXPECT_THAT(first, HasSubstr("GET /a?q=1 []"));
  peer.Send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(peer.ReadReply(), HasSubstr("POST /b [abc]"));
  peer.Send(
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
  EXPECT_THAT(peer.ReadReply(), HasSubstr("POST /c [abc]"));
  peer.Send("GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(peer.ReadToEnd(), HasSubstr("GET /d []"));
}

TEST(HttpServerTest, HeadHasTheLengthButNoBody) {
  const auto server = Serve();
  RawPeer peer = RawPeer::Connect(server->port());
  peer.Send("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string reply = peer.ReadToEnd();
  EXPECT_THAT(reply, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(reply, Not(HasSubstr("HEAD /x")));
}

TEST(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const std::string reply = AnswerTo(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_LT(reply.find("GET /1"), reply.find("GET /2"));
}

TEST(HttpServerTest, RefusesAmbiguousAndMalformedRequests) {
  const char* const kBad[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
      "3\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/3.7\r\nHost: a\r\n\r\n",
      "GET /\r\nHost: a\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 garbage that is not http at all\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
  };
  for (const char* bytes : kBad) {
    const std::string reply = AnswerTo(bytes);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400")) << bytes;
    EXPECT_EQ(reply.find("HTTP/1.1", 5), std::string::npos) << bytes;
  }
}

TEST(HttpServerTest, TheSameLengthTwiceIsOneLength) {
  for (const char* lengths : {"Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3, 3"}) {
    const std::string reply = AnswerTo(absl::StrCat("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", lengths, "\r\n\r\nabc"));
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 200")) << lengths;
    EXPECT_EQ(reply.find("HTTP/1.1", 5), std::string::npos) << lengths;
  }
}

TEST(HttpServerTest, LimitsHeadersAndBodies) {
  EXPECT_THAT(AnswerTo("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(200000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  HttpServer::Options options;
  options.max_body_bytes = 10;
  EXPECT_THAT(
      AnswerTo("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890", options),
      StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(AnswerTo("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" +
                           std::string(255, 'x') + "\r\n",
                       options),
              StartsWith("HTTP/1.1 413"));
}

TEST(HttpServerTest, LimitsWhatStandsAroundChunks) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string much(1'000'000, 'x');
  for (const std::string& around : {"1;" + much, "1;a=\"" + much, "0\r\nX: " + much, "1\r\na\r\n0\r\nX: " + much}) {
    EXPECT_THAT(AnswerTo(head + around), StartsWith("HTTP/1.1 4")) << around.substr(0, 20);
  }
}

TEST(HttpServerTest, ClosesConnectionsOfSlowSenders) {
  HttpServer::Options options;
  options.idle_timeout = absl::Milliseconds(50);
  const auto server = Serve(Echo, options);
  RawPeer silent = RawPeer::Connect(server->port());
  RawPeer slow = RawPeer::Connect(server->port());
  slow.Send("GET / HTTP/1.1\r\nHos");
  RawPeer unfinished = RawPeer::Connect(server->port());
  unfinished.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(silent.IsClosedByPeer());
  EXPECT_TRUE(slow.IsClosedByPeer());
  EXPECT_TRUE(unfinished.IsClosedByPeer());
}

TEST(HttpServerTest, AnswersHalfClosedPeers) {
  const auto server = Serve();
  RawPeer peer = RawPeer::Connect(server->port());
  peer.Send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.ShutdownSend();
  EXPECT_THAT(peer.ReadToEnd(), HasSubstr("GET /half"));
}

TEST(HttpServerTest, SendsContinueWhenAsked) {
  const auto server = Serve();
  RawPeer peer = RawPeer::Connect(server->port());
  peer.Send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  peer.Send("ok");
  EXPECT_THAT(peer.ReadReply(), HasSubstr("[ok]"));
}

TEST(HttpServerTest, DelayedRepliesHoldNoThread) {
  const auto server = Serve([](const HttpRequest& request) {
    return HttpResponse{.status = 200,
                        .headers = {},
                        .body = request.target,
                        .delay = request.target == "/slow" ? absl::Hours(1) : absl::ZeroDuration()};
  });
  std::vector<RawPeer> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(RawPeer::Connect(server->port()));
    slow.back().Send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  RawPeer quick = RawPeer::Connect(server->port());
  quick.Send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(quick.ReadReply(), HasSubstr("/quick"));
}

TEST(HttpServerTest, HandlersCannotBreakTheFraming) {
  HttpResponse response;
  const auto server = Serve([&](const HttpRequest&) { return response; });
  const auto ask = [&] {
    RawPeer peer = RawPeer::Connect(server->port());
    peer.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return peer.ReadToEnd();
  };
  response = {.status = 200, .headers = {{"x", "a\r\nset-cookie: b"}}, .body = "", .delay = {}};
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 500"));
  response = {.status = 99, .headers = {}, .body = "", .delay = {}};
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 500"));
  response = {.status = 204, .headers = {{"Content-Length", "7"}}, .body = "ignored", .delay = {}};
  EXPECT_THAT(ask(), Not(HasSubstr("ignored")));
  response = {.status = 200,
              .headers = {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}},
              .body = "x",
              .delay = {}};
  const std::string both = ask();
  EXPECT_THAT(both, HasSubstr("Set-Cookie: a=1\r\n"));
  EXPECT_THAT(both, HasSubstr("Set-Cookie: b=2\r\n"));
}

TEST(HttpServerTest, TakesAbsoluteForm) {
  const std::string reply =
      AnswerTo("GET http://Other:81/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(reply, HasSubstr("x-host: other:81"));
  EXPECT_THAT(reply, HasSubstr("GET /x?y"));
}

TEST(HttpServerTest, StartRefusesWhatItCannotUse) {
  const auto server = Serve();
  HttpServer::Options taken;
  taken.port = server->port();
  EXPECT_EQ(HttpServer::Create(taken, Echo).status().code(), absl::StatusCode::kUnavailable);
  HttpServer::Options name;
  name.address = "localhost";
  EXPECT_EQ(HttpServer::Create(name, Echo).status().code(), absl::StatusCode::kInvalidArgument);
  HttpServer::Options certificate;
  certificate.tls_certificate_pem = "nonsense";
  certificate.tls_key_pem = "nonsense";
  EXPECT_EQ(HttpServer::Create(certificate, Echo).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(HttpServerTest, LimitsConnections) {
  HttpServer::Options options;
  options.max_connections = 1;
  const auto server = Serve(Echo, options);
  auto first = std::make_unique<RawPeer>(RawPeer::Connect(server->port()));
  first->Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(first->ReadReply(), HasSubstr("/1"));
  RawPeer second = RawPeer::Connect(server->port());
  second.Send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  first.reset();
  EXPECT_THAT(second.ReadReply(), HasSubstr("/2"));
}

}  // namespace
}  // namespace proctor::net
