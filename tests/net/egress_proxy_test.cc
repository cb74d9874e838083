// What goes through the proxy: requests, tunnels, and how connections end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "egress_fixture.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class EgressProxyTest : public EgressFixture {};

TEST_F(EgressProxyTest, ForwardsAbsoluteFormWithoutHopByHopHeaders) {
  RawServer server(EchoRequests);
  RawPeer peer = RawPeer::Connect(Open());
  const std::string at = absl::StrCat("127.0.0.1:", server.port());
  peer.Send(
      absl::StrCat("POST http://", at,
                   "/p?q#frag HTTP/1.1\r\nHost: lie.example\r\nProxy-Connection: keep-alive\r\n",
                   "Connection: X-Secret\r\nX-Secret: 1\r\nTE: gzip\r\nX-Kept: "
                   "2\r\nContent-Length: 4\r\n\r\nbody"));
  const std::string reply = peer.ReadReply();
  EXPECT_THAT(reply, HasSubstr("X-Reply: 1\r\n"));
  EXPECT_THAT(reply, HasSubstr("POST /p?q HTTP/1.1\r\n"));
  EXPECT_THAT(reply, HasSubstr(absl::StrCat("Host: ", at, "\r\n")));
  EXPECT_THAT(reply, HasSubstr("X-Kept: 2"));
  EXPECT_THAT(reply, Not(HasSubstr("X-Secret")));
  EXPECT_THAT(reply, Not(HasSubstr("Proxy-Connection")));
  EXPECT_THAT(reply, Not(HasSubstr("TE:")));
  EXPECT_THAT(reply, HasSubstr("\r\n\r\nbody"));
}

TEST_F(EgressProxyTest, KeepsConnectionsAndFollowsTheRequestedHost) {
  RawServer one(EchoRequests);
  RawServer two(EchoRequests);
  RawPeer peer = RawPeer::Connect(Open());
  for (const auto* server : {&one, &one, &two, &one}) {
    peer.Send(
        absl::StrCat("GET http://127.0.0.1:", server->port(), "/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(peer.ReadReply(),
                HasSubstr(absl::StrCat("Host: 127.0.0.1:", server->port(), "\r\n")));
  }
  EXPECT_EQ(one.accepted(), 2);
  EXPECT_EQ(two.accepted(), 1);
}

TEST_F(EgressProxyTest, RelaysEveryKindOfBody) {
  RawServer server(EchoRequests);
  const std::string at = absl::StrCat("127.0.0.1:", server.port());
  const uint16_t port = Open();
  RawPeer peer = RawPeer::Connect(port);
  const auto send = [&](const std::string& method, const std::string& path) {
    peer.Send(absl::StrCat(method, " http://", at, path, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  };
  send("HEAD", "/head");
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), HasSubstr("Content-Length: "));
  send("GET", "/none");
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 204"));
  send("GET", "/chunked");
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked"));
  const std::string chunks = peer.ReadUntil("0\r\n\r\n");
  EXPECT_THAT(chunks, HasSubstr("abc"));
  EXPECT_THAT(chunks, HasSubstr("defg"));
  send("GET", "/stream");
  const std::string stream = peer.ReadToEnd();
  EXPECT_THAT(stream, HasSubstr("part one, part two"));

  const std::string big(3 << 20, 'x');
  RawPeer sender = RawPeer::Connect(port);
  std::thread writer([&] {
    sender.Send(absl::StrCat("POST http://", at, "/big HTTP/1.1\r\nHost: x\r\nContent-Length: ",
                             big.size(), "\r\n\r\n", big));
  });
  const std::string reply = sender.ReadReply();
  writer.join();
  EXPECT_GT(reply.size(), big.size());
}

TEST_F(EgressProxyTest, TunnelsConnectBothWaysAndHalfCloses) {
  RawServer server(EchoBytes);
  RawPeer peer = RawPeer::Connect(Open());
  peer.Send(absl::StrCat("CONNECT 127.0.0.1:", server.port(), " HTTP/1.1\r\nHost: x\r\n\r\nearly"));
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(peer.ReadExactly(5), "early");
  peer.Send(std::string("\0\xff raw", 6));
  EXPECT_EQ(peer.ReadExactly(6), std::string("\0\xff raw", 6));
  peer.Send("last");
  peer.ShutdownSend();
  EXPECT_EQ(peer.ReadToEnd(), "last");
}

TEST_F(EgressProxyTest, TunnelsWebSocketUpgrades) {
  RawServer server([](RawPeer peer) {
    const std::string request = peer.ReadReply();
    peer.Send(absl::StrCat(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Seen: ",
        request.find("Upgrade: websocket") != std::string::npos, "\r\n\r\nhello"));
    EchoBytes(std::move(peer));
  });
  RawPeer peer = RawPeer::Connect(Open());
  peer.Send(absl::StrCat(
      "GET http://127.0.0.1:", server.port(),
      "/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  const std::string head = peer.ReadUntil("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(head, HasSubstr("X-Seen: 1"));
  EXPECT_EQ(peer.ReadExactly(5), "hello");
  peer.Send("ping");
  EXPECT_EQ(peer.ReadExactly(4), "ping");
}

TEST_F(EgressProxyTest, InternalHostsComeBeforeThePolicy) {
  RawServer server(EchoRequests);
  options_.internal_port = [&](uint16_t, const std::string& host) -> uint16_t {
    return host == "abc.shop.localhost" ? server.port() : 0;
  };
  const uint16_t port = Open({});
  proxy_->SetOwnPorts({server.port()});
  EXPECT_THAT(Get(port, "ABC.shop.localhost"), HasSubstr("Host: abc.shop.localhost\r\n"));
  EXPECT_THAT(Get(port, "abd.shop.localhost"), StartsWith("HTTP/1.1 403"));
}

TEST_F(EgressProxyTest, InternalHostsOfOneListenerAreClosedToTheOthers) {
  RawServer server(EchoRequests);
  std::atomic<uint16_t> owner = 0;
  options_.internal_port = [&](uint16_t listener_port, const std::string& host) -> uint16_t {
    return listener_port == owner && host == "abc.shop.localhost" ? server.port() : 0;
  };
  // As a practice session has it, and one that may reach this machine.
  const uint16_t own = Open({.allowed_hosts = {}, .allow_private = false, .narrowed_to = {"*.localhost"}});
  const uint16_t other = Open({.allowed_hosts = {}, .allow_private = false, .narrowed_to = {"*.localhost"}});
  const uint16_t wide = Open();
  owner = own;
  proxy_->SetOwnPorts({server.port()});
  const std::string site = absl::StrCat("abc.shop.localhost:", server.port());

  EXPECT_THAT(Get(own, site), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server.accepted(), 1);
  for (const uint16_t port : {other, wide}) {
    for (const std::string& reply : {Get(port, site), Connect(port, site)}) {
      EXPECT_THAT(reply, StartsWith("HTTP/1.1 403"));
      EXPECT_THAT(reply, HasSubstr("is a port of the server itself"));
    }
  }
  EXPECT_EQ(server.accepted(), 1);
  EXPECT_THAT(Connect(own, site), StartsWith("HTTP/1.1 200"));
}

TEST_F(EgressProxyTest, LimitsConnectionsOfAListener) {
  options_.max_connections_per_listener = 2;
  RawServer server(EchoBytes);
  const uint16_t port = Open();
  const std::string connect =
      absl::StrCat("CONNECT 127.0.0.1:", server.port(), " HTTP/1.1\r\nHost: x\r\n\r\n");
  RawPeer one = RawPeer::Connect(port);
  RawPeer two = RawPeer::Connect(port);
  for (RawPeer* peer : {&one, &two}) {
    peer->Send(connect);
    EXPECT_THAT(peer->ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  }
  const std::string reply = Ask(port, connect);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(reply, HasSubstr(absl::StrCat("Proctor-Egress-Failure: ", proxy_->mark(), " too many")));
  EXPECT_THAT(Ask(Open(), connect), StartsWith("HTTP/1.1 200"));
}

TEST_F(EgressProxyTest, FreesTheServerConnectionWhenTheClientGoes) {
  std::atomic<bool> closed = false;
  {
    RawServer server([&](RawPeer peer) {
      peer.ReadUntil("\r\n\r\n");
      closed = peer.IsClosedByPeer();
    });
    RawPeer peer = RawPeer::Connect(Open());
    peer.Send(
        absl::StrCat("GET http://127.0.0.1:", server.port(), "/ HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (server.accepted() == 0) std::this_thread::yield();
    peer.Close();
  }
  EXPECT_TRUE(closed);
}

TEST_F(EgressProxyTest, ClosingAListenerEndsItsConnections) {
  RawServer server(EchoBytes);
  const uint16_t port = Open();
  RawPeer peer = RawPeer::Connect(port);
  peer.Send(absl::StrCat("CONNECT 127.0.0.1:", server.port(), " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  proxy_->Close(port);
  EXPECT_TRUE(peer.IsClosedByPeer());
  proxy_->Close(port);
  proxy_->Close(1);
}

TEST_F(EgressProxyTest, DestructionWithOpenTunnelsIsClean) {
  RawServer server(EchoBytes);
  RawPeer peer = RawPeer::Connect(Open());
  peer.Send(absl::StrCat("CONNECT 127.0.0.1:", server.port(), " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  proxy_.reset();
  EXPECT_TRUE(peer.IsClosedByPeer());
}

}  // namespace
}  // namespace proctor::net
