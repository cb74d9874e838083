// What the proxy refuses: hosts, addresses, requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "egress_fixture.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class EgressRefusalsTest : public EgressFixture {};

TEST_F(EgressRefusalsTest, RefusesWithReasonInBodyAndHeader) {
  RawServer server(EchoRequests);
  const uint16_t port = Open({});
  const std::string reply = Get(port, absl::StrCat("127.0.0.1:", server.port()));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(reply, HasSubstr(absl::StrCat("Proctor-Egress-Failure: ", proxy_->mark(), " 127.0.0.1")));
  EXPECT_THAT(reply, HasSubstr("\r\n\r\nrefused: 127.0.0.1"));
  EXPECT_THAT(Connect(port, absl::StrCat("127.0.0.1:", server.port())), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(server.accepted(), 0);
  MutexLock lock(mutex_);
  EXPECT_EQ(refused_.size(), 2u);
}

TEST_F(EgressRefusalsTest, MarksEveryReplyOfItsOwnAndNoServers) {
  const uint16_t port = Open();
  const std::string mark = absl::StrCat("\r\nProctor-Egress-Failure: ", proxy_->mark(), " ");
  RawServer liar([&](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send(absl::StrCat("HTTP/1.1 200 OK", mark, "a lie\r\nX-Kept: 1\r\nproctor-egress-failure: ", proxy_->mark(),
                           " another\r\nConnection: X-Kept, close\r\nContent-Length: 2\r\n\r\nok"));
  });
  const std::string passed = Get(port, absl::StrCat("127.0.0.1:", liar.port()));
  EXPECT_THAT(passed, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(passed, Not(testing::ContainsRegex("[Ee]gress-[Ff]ailure")));
  EXPECT_THAT(Get(port, "169.254.169.254"), HasSubstr(mark + "169.254.169.254:80 is never"));
  EXPECT_THAT(Get(port, "127.0.0.1:1"), HasSubstr(mark + "cannot connect to 127.0.0.1:1"));
  EXPECT_THAT(Connect(port, "127.0.0.1:1"), HasSubstr(mark + "cannot connect to 127.0.0.1:1"));
  EXPECT_THAT(Get(port, "a@b"), HasSubstr(mark + "malformed host"));
  EXPECT_THAT(Ask(port, "GET / HTTP/1.0\r\n\r\n"), HasSubstr(mark));
  EXPECT_THAT(Ask(port, "rubbish\r\n\r\n"), HasSubstr(mark));
  EXPECT_NE((*EgressProxy::Create({}))->mark(), proxy_->mark());
}

TEST_F(EgressRefusalsTest, KnowsWhyAHostCouldNotBeHad) {
  RawServer server(EchoRequests);
  const std::string at = absl::StrCat("127.0.0.1:", server.port());
  const uint16_t port = Open();
  const uint16_t strict = Open({});
  EXPECT_EQ(proxy_->FailureOf(strict, at).reason, "");
  EXPECT_THAT(Connect(strict, at), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(proxy_->FailureOf(strict, at).reason, HasSubstr("--egress-allow-private"));
  EXPECT_EQ(proxy_->FailureOf(strict, at).status, 403);
  EXPECT_THAT(proxy_->FailureOf(strict, absl::StrCat("2130706433:", server.port())).reason, HasSubstr("loopback"));
  EXPECT_EQ(proxy_->FailureOf(port, at).reason, "") << "another session's";
  EXPECT_THAT(Connect(strict, "[::1]:443"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(proxy_->FailureOf(strict, "[::1]:443").reason, HasSubstr("--egress-allow [::1]:443)"));
  // The last reason, until it is reached.
  EXPECT_THAT(Connect(port, "127.0.0.1:1"), StartsWith("HTTP/1.1 502"));
  EXPECT_THAT(proxy_->FailureOf(port, "127.0.0.1:1").reason, HasSubstr("cannot connect"));
  EXPECT_EQ(proxy_->FailureOf(port, "127.0.0.1:1").status, 502);
  proxy_->SetOwnPorts({server.port()});
  EXPECT_THAT(Get(port, at), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(proxy_->FailureOf(port, at).reason, HasSubstr("server itself"));
  proxy_->SetOwnPorts({});
  EXPECT_THAT(Get(port, at), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(proxy_->FailureOf(port, at).reason, "");
  // The oldest are forgotten.
  for (int host = 0; host < 64; ++host) Connect(strict, absl::StrCat("127.0.0.2:", 1000 + host));
  EXPECT_EQ(proxy_->FailureOf(strict, at).reason, "");
  EXPECT_THAT(proxy_->FailureOf(strict, "127.0.0.2:1000").reason, HasSubstr("loopback"));
  for (const char* nonsense : {"", ":", "127.0.0.1", "[", "a b:1"}) EXPECT_EQ(proxy_->FailureOf(strict, nonsense).reason, "");
  proxy_->Close(strict);
  EXPECT_EQ(proxy_->FailureOf(strict, "127.0.0.2:1000").reason, "");
}

TEST_F(EgressRefusalsTest, RefusesForbiddenAddressesInEverySpelling) {
  const uint16_t port = Open();
  for (const char* at :
       {"169.254.169.254:80", "2852039166:80", "0xa9fea9fe:80", "0251.0376.0251.0376:80",
        "[::ffff:169.254.169.254]:80", "[::ffff:a9fe:a9fe]:80", "[64:ff9b::a9fe:a9fe]:80",
        "0.0.0.0:80", "0:80", "[::]:80", "224.0.0.1:80", "[fe80::1]:80", "255.255.255.255:80",
        "[ff02::1]:80"}) {
    EXPECT_THAT(Connect(port, at), StartsWith("HTTP/1.1 403")) << at;
    EXPECT_THAT(Get(port, at), StartsWith("HTTP/1.1 403")) << at;
  }
}

TEST_F(EgressRefusalsTest, RefusesOddSpellingsOfLoopbackWithoutPermission) {
  RawServer server(EchoRequests);
  const uint16_t port = Open({});
  for (const char* host :
       {"127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]",
        "localhost", "LOCALHOST.", "a.b.localhost", "127.8.8.8"}) {
    EXPECT_THAT(Get(port, absl::StrCat(host, ":", server.port())), StartsWith("HTTP/1.1 403"))
        << host;
  }
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(EgressRefusalsTest, RefusesTheServersOwnPortsAndItsListeners) {
  RawServer server(EchoRequests);
  const uint16_t port = Open();
  proxy_->SetOwnPorts({server.port()});
  EXPECT_THAT(Get(port, absl::StrCat("localhost:", server.port())), HasSubstr("server itself"));
  EXPECT_THAT(Get(port, absl::StrCat("127.0.0.77:", server.port())), HasSubstr("server itself"));
  EXPECT_THAT(Connect(port, absl::StrCat("127.0.0.1:", port)), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(EgressRefusalsTest, RefusesMalformedAndAmbiguousRequests) {
  RawServer server(EchoRequests);
  const std::string at = absl::StrCat("http://127.0.0.1:", server.port(), "/");
  const uint16_t port = Open();
  const std::string kBad[] = {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET https://127.0.0.1/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET ftp://127.0.0.1/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://u:p@127.0.0.1/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://127.0.0.1:99999/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT 127.0.0.1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT :80 HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT http://127.0.0.1:80/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET " + at + " HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET " + at + " HTTP/1.0\r\nHost: a\r\n\r\n",
      "POST " + at +
          " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
          "chunked\r\n\r\n0\r\n\r\n",
      "POST " + at +
          " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
          "3\r\n\r\n0\r\n\r\n",
      "POST " + at + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      "POST " + at + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
      "POST " + at + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
      "POST " + at + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST " + at + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "GET " + at + " HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
      std::string("\x05\x01\x00 a SOCKS client\r\n\r\n", 23),
      "\x16\x03\x01 a TLS client\r\n\r\n",
  };
  for (const std::string& bytes : kBad) {
    RawPeer peer = RawPeer::Connect(port);
    peer.Send(bytes);
    const std::string reply = peer.ReadToEnd();
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400")) << bytes;
    EXPECT_EQ(reply.find("HTTP/1.1", 5), std::string::npos) << bytes;
  }
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(EgressRefusalsTest, RefusesGiantHeaders) {
  EXPECT_THAT(Ask(Open(), "GET http://a/ HTTP/1.1\r\nX: " + std::string(300000, 'x')),
              StartsWith("HTTP/1.1 431"));
}

TEST_F(EgressRefusalsTest, SmuggledRequestDoesNotReachAnotherHost) {
  RawServer server(EchoRequests);
  const uint16_t port = Open({.allowed_hosts = {absl::StrCat("127.0.0.1:", server.port())},
                              .allow_private = false,
                              .narrowed_to = {}});
  RawPeer peer = RawPeer::Connect(port);
  // The second request is parsed and checked on its own, not passed through.
  peer.Send(absl::StrCat("GET http://127.0.0.1:", server.port(), "/ HTTP/1.1\r\nHost: a\r\n\r\n",
                         "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(peer.ReadReply(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(peer.ReadReply(), StartsWith("HTTP/1.1 403"));
}

TEST_F(EgressRefusalsTest, RefusesMalformedPatterns) {
  Start();
  EXPECT_EQ(proxy_->Open({.allowed_hosts = {"http://x"}, .allow_private = false, .narrowed_to = {}})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(CheckHostPattern("*.example.org").ok());
  EXPECT_FALSE(CheckHostPattern("*").ok());
}

}  // namespace
}  // namespace proctor::net
