#include "net/egress_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Answers every request with its own head and body as text; "/close" closes afterwards, "/stream"
// has no length.
void EchoRequests(RawPeer peer) {
  while (true) {
    const std::string request = peer.ReadReply();
    if (request.empty()) return;
    if (request.find(" /stream ") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\n\r\npart one, ");
      peer.Send("part two");
      return;
    }
    if (request.find(" /chunked ") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      peer.Send("4\r\ndefg\r\n0\r\n\r\n");
      continue;
    }
    if (request.find(" /none ") != std::string::npos) {
      peer.Send(
          "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nKeep-Alive: "
          "timeout=5\r\n\r\n");
      continue;
    }
    const bool head = request.starts_with("HEAD");
    peer.Send(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", request.size(),
                           "\r\nX-Reply: 1\r\n\r\n", head ? "" : request));
  }
}

void EchoBytes(RawPeer peer) {
  while (true) {
    const std::string byte = peer.ReadExactly(1);
    if (byte.empty() || !peer.Send(byte)) return;
  }
}

class EgressProxyTest : public testing::Test {
 protected:
  // Opens a listener that may reach everything private.
  uint16_t Open(EgressPolicy policy = {
                    .allowed_hosts = {}, .allow_private = true, .narrowed_to = {}}) {
    if (proxy_ == nullptr) Start();
    auto port = proxy_->Open(std::move(policy));
    EXPECT_TRUE(port.ok()) << port.status();
    return *port;
  }

  void Start() {
    options_.on_refused = [this](uint16_t, const std::string& host_port,
                                 const std::string& reason) {
      MutexLock lock(mutex_);
      refused_.push_back(host_port + ": " + reason);
    };
    auto proxy = EgressProxy::Create(options_);
    ASSERT_TRUE(proxy.ok());
    proxy_ = *std::move(proxy);
  }

  std::string Ask(uint16_t proxy_port, const std::string& bytes) {
    RawPeer peer = RawPeer::Connect(proxy_port);
    peer.Send(bytes);
    return peer.ReadReply();
  }

  std::string Get(uint16_t proxy_port, const std::string& authority,
                  const std::string& path = "/") {
    return Ask(proxy_port, absl::StrCat("GET http://", authority, path,
                                        " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"));
  }

  std::string Connect(uint16_t proxy_port, const std::string& authority) {
    return Ask(proxy_port,
               absl::StrCat("CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"));
  }

  size_t RefusedSoFar() {
    MutexLock lock(mutex_);
    return refused_.size();
  }

  // First: its threads use what is below until it is destroyed in TearDown.
  void TearDown() override { proxy_.reset(); }

  EgressProxy::Options options_;
  Mutex mutex_;
  std::vector<std::string> refused_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<EgressProxy> proxy_;
};

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

TEST_F(EgressProxyTest, RefusesWithReasonInBodyAndHeader) {
  RawServer server(EchoRequests);
  const uint16_t port = Open({});
  const std::string reply = Get(port, absl::StrCat("127.0.0.1:", server.port()));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(reply, HasSubstr("Proctor-Refused: 127.0.0.1"));
  EXPECT_THAT(reply, HasSubstr("\r\n\r\nrefused: 127.0.0.1"));
  EXPECT_THAT(Connect(port, absl::StrCat("127.0.0.1:", server.port())), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(server.accepted(), 0);
  MutexLock lock(mutex_);
  EXPECT_EQ(refused_.size(), 2u);
}

TEST_F(EgressProxyTest, RefusesForbiddenAddressesInEverySpelling) {
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

TEST_F(EgressProxyTest, RefusesOddSpellingsOfLoopbackWithoutPermission) {
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

TEST_F(EgressProxyTest, RefusesTheServersOwnPortsAndItsListeners) {
  RawServer server(EchoRequests);
  const uint16_t port = Open();
  proxy_->SetOwnPorts({server.port()});
  EXPECT_THAT(Get(port, absl::StrCat("localhost:", server.port())), HasSubstr("server itself"));
  EXPECT_THAT(Get(port, absl::StrCat("127.0.0.77:", server.port())), HasSubstr("server itself"));
  EXPECT_THAT(Connect(port, absl::StrCat("127.0.0.1:", port)), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(EgressProxyTest, InternalHostsComeBeforeThePolicy) {
  RawServer server(EchoRequests);
  options_.internal_port = [&](const std::string& host) -> uint16_t {
    return host == "abc.shop.localhost" ? server.port() : 0;
  };
  const uint16_t port = Open({});
  proxy_->SetOwnPorts({server.port()});
  EXPECT_THAT(Get(port, "ABC.shop.localhost"), HasSubstr("Host: abc.shop.localhost\r\n"));
  EXPECT_THAT(Get(port, "abd.shop.localhost"), StartsWith("HTTP/1.1 403"));
}

TEST_F(EgressProxyTest, ResolvesOnceAndConnectsToTheCheckedAddress) {
  RawServer server(EchoRequests);
  std::atomic<int> lookups = 0;
  // A rebinding name: allowed the first time, the metadata address ever after.
  options_.resolver = [&](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
    if (host == "gone.test") return absl::UnavailableError("no such name");
    if (host == "mixed.test") return std::vector<std::string>{"169.254.169.254", "127.0.0.1"};
    if (host == "empty.test") return std::vector<std::string>{};
    return std::vector<std::string>{++lookups == 1 ? "127.0.0.1" : "169.254.169.254"};
  };
  const uint16_t port = Open();
  EXPECT_THAT(Get(port, absl::StrCat("rebind.test:", server.port())), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(lookups, 1);
  EXPECT_THAT(Get(port, absl::StrCat("rebind.test:", server.port())), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Get(port, absl::StrCat("mixed.test:", server.port())), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(port, "gone.test"), StartsWith("HTTP/1.1 502"));
  EXPECT_THAT(Get(port, "empty.test"), StartsWith("HTTP/1.1 502"));
}

TEST_F(EgressProxyTest, NamesOutsideTheListAreNotLookedUp) {
  std::atomic<int> lookups = 0;
  options_.resolver = [&](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    ++lookups;
    return std::vector<std::string>{"8.8.8.8"};
  };
  const uint16_t port =
      Open({.allowed_hosts = {"example.org"}, .allow_private = false, .narrowed_to = {}});
  EXPECT_THAT(Get(port, "secret-in-a-name.evil.test"), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(lookups, 0);
}

TEST_F(EgressProxyTest, RefusesMalformedAndAmbiguousRequests) {
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

TEST_F(EgressProxyTest, RefusesGiantHeaders) {
  EXPECT_THAT(Ask(Open(), "GET http://a/ HTTP/1.1\r\nX: " + std::string(300000, 'x')),
              StartsWith("HTTP/1.1 431"));
}

TEST_F(EgressProxyTest, SmuggledRequestDoesNotReachAnotherHost) {
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

TEST_F(EgressProxyTest, BadServersGive502) {
  const char* const kReplies[] = {
      "garbage\r\n\r\n",
      "",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
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

TEST_F(EgressProxyTest, CutRepliesEndTheConnection) {
  RawServer server([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  RawPeer peer = RawPeer::Connect(Open());
  peer.Send(absl::StrCat("GET http://127.0.0.1:", server.port(), "/ HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(peer.ReadToEnd(), HasSubstr("only this"));
}

TEST_F(EgressProxyTest, UnreachablePortGives502) {
  uint16_t free_port = 0;
  {
    RawServer server(EchoRequests);
    free_port = server.port();
  }
  EXPECT_THAT(Connect(Open(), absl::StrCat("127.0.0.1:", free_port)), StartsWith("HTTP/1.1 502"));
}

TEST_F(EgressProxyTest, SlowClientsAreDropped) {
  options_.request_timeout = absl::Milliseconds(50);
  const uint16_t port = Open();
  RawPeer silent = RawPeer::Connect(port);
  RawPeer slow = RawPeer::Connect(port);
  slow.Send("GET http://a/ HT");
  EXPECT_TRUE(silent.IsClosedByPeer());
  EXPECT_TRUE(slow.IsClosedByPeer());
}

TEST_F(EgressProxyTest, SilentServersGive504AndIdleTunnelsEnd) {
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

TEST_F(EgressProxyTest, SlowLookupsGive504) {
  options_.connect_timeout = absl::Milliseconds(50);
  CondVar wake;
  Mutex mutex;
  bool done = false;
  options_.resolver = [&](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    MutexLock lock(mutex);
    while (!done) wake.Wait(mutex);
    return std::vector<std::string>{"127.0.0.1"};
  };
  EXPECT_THAT(Get(Open(), "slow.test"), StartsWith("HTTP/1.1 504"));
  {
    MutexLock lock(mutex);
    done = true;
    wake.SignalAll();
  }
  proxy_.reset();  // Ends the lookup, which uses what is local here.
}

// Names below .stuck are found only once it is let go.
class StuckLookups {
 public:
  EgressProxy::Resolver resolver() {
    return [this](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
      MutexLock lock(mutex_);
      if (host.ends_with(".stuck")) {
        ++begun_;
        changed_.SignalAll();
        while (!let_go_) changed_.Wait(mutex_);
      }
      return std::vector<std::string>{"127.0.0.1"};
    };
  }
  void AwaitBegun(int count) {
    MutexLock lock(mutex_);
    while (begun_ < count) changed_.Wait(mutex_);
  }
  int begun() {
    MutexLock lock(mutex_);
    return begun_;
  }
  void LetGo() {
    MutexLock lock(mutex_);
    let_go_ = true;
    changed_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
  bool let_go_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST_F(EgressProxyTest, NamesThatAreNotFoundKeepNoOtherListenerFromTheirs) {
  StuckLookups stuck;
  options_.resolver = stuck.resolver();
  options_.lookups = {.threads = 4, .reserved = 1, .running_per_owner = 3, .queued_per_owner = 5};
  RawServer server(EchoRequests);
  const std::string at = absl::StrCat("found.test:", server.port());
  const uint16_t hostile = Open();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 9; ++i) {
    peers.push_back(RawPeer::Connect(hostile));
    peers.back().Send(absl::StrCat("CONNECT n", i, ".stuck:1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  // Three of them run; one of the six others is one too many.
  stuck.AwaitBegun(3);
  do {
    ASSERT_THAT(Get(Open(), at), StartsWith("HTTP/1.1 200"));
  } while (RefusedSoFar() == 0);
  EXPECT_EQ(stuck.begun(), 3);
  stuck.LetGo();
  int refused = 0;
  for (RawPeer& peer : peers) {
    const std::string reply = peer.ReadReply();
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 502"));
    if (reply.find("too many names") != std::string::npos) ++refused;
  }
  EXPECT_EQ(refused, 1);
  EXPECT_THAT(Get(hostile, at), StartsWith("HTTP/1.1 200"));
  proxy_.reset();  // Its lookups use what is local here.
}

TEST_F(EgressProxyTest, LookupsThatNobodyWaitsForAnyMoreAreNotMade) {
  StuckLookups stuck;
  options_.resolver = stuck.resolver();
  options_.lookups = {.threads = 1, .reserved = 0, .running_per_owner = 1, .queued_per_owner = 5};
  options_.connect_timeout = absl::Milliseconds(50);
  const uint16_t port = Open();
  for (const char* host : {"one.stuck", "two.stuck", "three.stuck"}) {
    EXPECT_THAT(Get(port, host), StartsWith("HTTP/1.1 504"));
  }
  stuck.AwaitBegun(1);
  stuck.LetGo();
  // Its lookup comes after whatever waits.
  RawServer server(EchoRequests);
  while (!Get(port, absl::StrCat("found.test:", server.port())).starts_with("HTTP/1.1 200")) {
  }
  EXPECT_EQ(stuck.begun(), 1);
  proxy_.reset();  // Its lookups use what is local here.
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
  EXPECT_THAT(Ask(port, connect), StartsWith("HTTP/1.1 503"));
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

TEST_F(EgressProxyTest, RefusesMalformedPatterns) {
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
