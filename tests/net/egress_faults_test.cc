// Servers and clients of the proxy that are slow, silent or wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "absl/strings/str_cat.h"
#include "egress_fixture.h"

namespace proctor::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class EgressFaultsTest : public EgressFixture {};

TEST_F(EgressFaultsTest, BadServersGive502) {
  const char* const kReplies[] = {
      "garbage\r\n\r\n",
      "",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
  };
  const uint16_t port = Open();
  for (const char* reply : kReplies) {
    RawServer server([&](RawPeer peer) {
      peer.ReadUntil("\r\n\r\n");
      peer.Send(reply);
    });
    EXPECT_THAT(Get(port, absl::StrCat("127.0.0.1:", server.port())), StartsWith("HTTP/1.1 502"))
        << reply;
  }
  RawServer giant([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\nX: " + std::string(300000, 'x') + "\r\n\r\n");
  });
  EXPECT_THAT(Get(port, absl::StrCat("127.0.0.1:", giant.port())), StartsWith("HTTP/1.1 502"));
}

TEST_F(EgressFaultsTest, CutRepliesEndTheConnection) {
  RawServer server([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  RawPeer peer = RawPeer::Connect(Open());
  peer.Send(absl::StrCat("GET http://127.0.0.1:", server.port(), "/ HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(peer.ReadToEnd(), HasSubstr("only this"));
}

TEST_F(EgressFaultsTest, UnreachablePortGives502) {
  uint16_t free_port = 0;
  {
    RawServer server(EchoRequests);
    free_port = server.port();
  }
  EXPECT_THAT(Connect(Open(), absl::StrCat("127.0.0.1:", free_port)), StartsWith("HTTP/1.1 502"));
}

TEST_F(EgressFaultsTest, SlowClientsAreDropped) {
  options_.request_timeout = absl::Milliseconds(50);
  const uint16_t port = Open();
  RawPeer silent = RawPeer::Connect(port);
  RawPeer slow = RawPeer::Connect(port);
  slow.Send("GET http://a/ HT");
  EXPECT_TRUE(silent.IsClosedByPeer());
  EXPECT_TRUE(slow.IsClosedByPeer());
}

TEST_F(EgressFaultsTest, SilentServersGive504AndIdleTunnelsEnd) {
  options_.transfer_timeout = absl::Milliseconds(50);
  options_.tunnel_idle_timeout = absl::Milliseconds(50);
  RawServer server([](RawPeer peer) { peer.ReadToEnd(); });
  const std::string at = absl::StrCat("127.0.0.1:", server.port());
  const uint16_t port = Open();
  EXPECT_THAT(Get(port, at), StartsWith("HTTP/1.1 504"));
  RawPeer tunnel = RawPeer::Connect(port);
  tunnel.Send("CONNECT " + at + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(tunnel.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(tunnel.IsClosedByPeer());
}

TEST_F(EgressFaultsTest, AReplyWithoutLengthThatBreaksOffDoesNotEndInOrder) {
  std::atomic<bool> read = false;
  RawServer server([&](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.0 200 OK\r\n\r\nhalf");
    while (!read) std::this_thread::yield();
    const linger reset = {1, 0};
    setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    peer.Close();
  });
  RawPeer peer = RawPeer::Connect(Open());
  peer.Send(absl::StrCat("GET http://127.0.0.1:", server.port(), "/ HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(peer.ReadUntil("half"), EndsWith("half"));
  read = true;
  char byte = 0;
  EXPECT_EQ(recv(peer.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

}  // namespace
}  // namespace proctor::net
