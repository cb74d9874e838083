#include "net/http_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "certificate.h"
#include "common/mutex.h"
#include "hanging_resolver.h"
#include "http2_server.h"
#include "net/http_server.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

std::string At(uint16_t port, const std::string& path) { return absl::StrCat("http://127.0.0.1:", port, path); }

FetchRequest To(std::string url) {
  FetchRequest request;
  request.url = std::move(url);
  return request;
}

// Collects what requests of a pool bring.
class Replies {
 public:
  HttpPool::Done Next() {
    return [this](absl::Status status, FetchReply reply) {
      MutexLock lock(mutex_);
      replies_.emplace_back(std::move(status), std::move(reply));
      came_.SignalAll();
    };
  }
  std::vector<std::pair<absl::Status, FetchReply>> Await(size_t count) {
    const absl::Time end = absl::Now() + absl::Seconds(20);
    MutexLock lock(mutex_);
    while (replies_.size() < count && absl::Now() < end) came_.WaitFor(mutex_, end - absl::Now());
    return replies_;
  }

 private:
  Mutex mutex_;
  CondVar came_;
  std::vector<std::pair<absl::Status, FetchReply>> replies_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<HttpPool> NewPool() { return *HttpPool::Create({}); }

TEST(HttpPoolTest, RunsHundredsOfRequestsAtOnceOnOneThread) {
  std::atomic<int> waiting = 0;
  const auto server = *HttpServer::Create({}, [&](const HttpRequest& request) {
    ++waiting;
    return HttpResponse{.status = 200, .headers = {}, .body = request.body, .delay = absl::Milliseconds(300)};
  });
  Replies replies;
  const auto pool = NewPool();
  constexpr int kRequests = 300;
  const absl::Time begun = absl::Now();
  for (int i = 0; i < kRequests; ++i) {
    FetchRequest request = To(At(server->port(), "/"));
    request.method = "POST";
    request.body = absl::StrCat(i);
    pool->Start(CallContext::WithTimeout(absl::Seconds(20)), std::move(request), replies.Next());
  }
  const auto all = replies.Await(kRequests);
  ASSERT_EQ(all.size(), size_t{kRequests});
  int64_t sum = 0;
  for (const auto& [status, reply] : all) {
    EXPECT_TRUE(status.ok()) << status;
    sum += std::stoi(reply.body);
  }
  EXPECT_EQ(sum, int64_t{kRequests} * (kRequests - 1) / 2);
  EXPECT_EQ(waiting, kRequests);
  EXPECT_LT(absl::Now() - begun, absl::Milliseconds(300) * kRequests / 4);  // Not one after another.
  EXPECT_EQ(pool->in_flight(), 0);
}

TEST(HttpPoolTest, KeepsConnectionsForLaterRequests) {
  RawServer server([](RawPeer peer) {
    while (peer.ReadUntil("\r\n\r\n").size() > 4) peer.Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  });
  {
    const auto pool = NewPool();
    for (size_t i = 1; i <= 3; ++i) {
      Replies replies;
      pool->Start(CallContext(), To(At(server.port(), "/")), replies.Next());
      EXPECT_EQ(replies.Await(1).at(0).second.body, "hi");
    }
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpPoolTest, DeadlineClosesTheSocketAndKeepsWhatCame) {
  std::atomic<bool> closed = false;
  RawServer server([&](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
    closed = peer.IsClosedByPeer();
  });
  {
    Replies replies;
    const auto pool = NewPool();
    pool->Start(CallContext::WithTimeout(absl::Milliseconds(100)), To(At(server.port(), "/")), replies.Next());
    const auto [status, reply] = replies.Await(1).at(0);
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "part");
    while (server.accepted() < 1) std::this_thread::yield();
  }
  for (int i = 0; i < 10000 && !closed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(closed);
}

TEST(HttpPoolTest, CancellationClosesTheSocket) {
  std::atomic<bool> closed = false;
  RawServer server([&](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    closed = peer.IsClosedByPeer();
  });
  const auto cancel = std::make_shared<CancelToken>();
  Replies replies;
  const auto pool = NewPool();
  pool->Start(CallContext(absl::InfiniteFuture(), cancel), To(At(server.port(), "/")), replies.Next());
  while (server.accepted() < 1) std::this_thread::yield();
  cancel->Cancel();
  EXPECT_EQ(replies.Await(1).at(0).first.code(), absl::StatusCode::kCancelled);
  for (int i = 0; i < 10000 && !closed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(closed);
}

TEST(HttpPoolTest, RequestThatIsCancelledOrLateBeforehandIsNotSent) {
  RawServer server([](RawPeer) {});
  const auto cancel = std::make_shared<CancelToken>();
  cancel->Cancel();
  Replies replies;
  const auto pool = NewPool();
  pool->Start(CallContext(absl::InfiniteFuture(), cancel), To(At(server.port(), "/")), replies.Next());
  EXPECT_EQ(replies.Await(1).at(0).first.code(), absl::StatusCode::kCancelled);
  pool->Start(CallContext(absl::Now() - absl::Seconds(1), std::make_shared<CancelToken>()),
              To(At(server.port(), "/")), replies.Next());
  EXPECT_EQ(replies.Await(2).at(1).first.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpPoolTest, AServerWhoseConnectionDoesNotComeAboutInTimeIsUnavailable) {
  // It does not answer the greeting of TLS.
  RawServer silent([](RawPeer peer) { peer.ReadToEnd(); });
  HttpPool::Options options;
  options.connect_timeout = absl::Milliseconds(100);
  const auto pool = *HttpPool::Create(options);
  Replies replies;
  pool->Start(CallContext(), To(absl::StrCat("https://127.0.0.1:", silent.port(), "/")), replies.Next());
  const auto [status, reply] = replies.Await(1).at(0);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(reply.sent);
}

TEST(HttpPoolTest, AHostThatIsLookedUpHoldsUpNoOtherRequest) {
  const auto server = *HttpServer::Create({}, [](const HttpRequest&) { return HttpResponse(); });
  const HangingResolver hanging;
  Replies replies;
  const auto pool = NewPool();
  pool->Start(CallContext::WithTimeout(absl::Milliseconds(50)), To(absl::StrCat("http://", kHangingName, "/")), replies.Next());
  EXPECT_EQ(replies.Await(1).at(0).first.code(), absl::StatusCode::kDeadlineExceeded);
  pool->Start(CallContext(), To(At(server->port(), "/")), replies.Next());
  EXPECT_TRUE(replies.Await(2).at(1).first.ok());
  EXPECT_EQ(hanging.begun(), 1);
}

TEST(HttpPoolTest, CutBodyIsUnavailableWithWhatCame) {
  RawServer server([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo");
  });
  Replies replies;
  const auto pool = NewPool();
  pool->Start(CallContext(), To(At(server.port(), "/")), replies.Next());
  const auto [status, reply] = replies.Await(1).at(0);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.body, "hellowo");
}

TEST(HttpPoolTest, TellsBadRequestsUnreachableServersAndLargeRepliesApart) {
  RawServer server([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\n\r\n" + std::string(100000, 'x'));
  });
  uint16_t dead = 0;
  {
    RawServer gone([](RawPeer) {});
    dead = gone.port();
  }
  const auto pool = NewPool();
  const auto code = [&](const FetchRequest& request) {
    Replies replies;
    pool->Start(CallContext(), request, replies.Next());
    return replies.Await(1).at(0).first.code();
  };
  EXPECT_EQ(code(To("file:///etc/passwd")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(To("http://a b/")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(To(At(dead, "/"))), absl::StatusCode::kUnavailable);
  FetchRequest large = To(At(server.port(), "/"));
  large.max_reply_bytes = 1000;
  EXPECT_EQ(code(large), absl::StatusCode::kResourceExhausted);
}

TEST(HttpPoolTest, SaysOfWhatFailedWhetherItWasSent) {
  std::atomic<bool> read = false;
  RawServer server([&](RawPeer peer) {
    if (absl::StartsWith(peer.ReadUntil("\r\n\r\n"), "GET /broken ")) return;
    read = true;
    peer.ReadToEnd();
  });
  uint16_t dead = 0;
  {
    RawServer gone([](RawPeer) {});
    dead = gone.port();
  }
  const auto pool = NewPool();
  Replies replies;
  pool->Start(CallContext(), To(At(server.port(), "/broken")), replies.Next());
  EXPECT_TRUE(replies.Await(1).at(0).second.sent);
  pool->Start(CallContext(), To(At(dead, "/")), replies.Next());
  EXPECT_FALSE(replies.Await(2).at(1).second.sent);
  const auto cancel = std::make_shared<CancelToken>();
  pool->Start(CallContext(absl::InfiniteFuture(), cancel), To(At(server.port(), "/silent")), replies.Next());
  while (!read) std::this_thread::yield();
  cancel->Cancel();
  EXPECT_TRUE(replies.Await(3).at(2).second.sent);
  // The server does not answer the greeting of TLS.
  const std::string tls = absl::StrCat("https://127.0.0.1:", server.port(), "/");
  pool->Start(CallContext::WithTimeout(absl::Milliseconds(100)), To(tls), replies.Next());
  const auto [status, reply] = replies.Await(4).at(3);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(reply.sent);
}

TEST(HttpPoolTest, DestructorEndsWhatStillRuns) {
  RawServer server([](RawPeer peer) { peer.ReadToEnd(); });
  Replies replies;
  {
    const auto pool = NewPool();
    pool->Start(CallContext(), To(At(server.port(), "/")), replies.Next());
    pool->Start(CallContext(), To(At(server.port(), "/")), replies.Next());
    while (server.accepted() < 2) std::this_thread::yield();
  }
  const auto ended = replies.Await(2);
  EXPECT_EQ(ended.at(0).first.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ended.at(1).first.code(), absl::StatusCode::kCancelled);
}

TEST(HttpPoolTest, ServersAreBelievedByTheirCertificateOnly) {
  HttpServer::Options options;
  ASSERT_TRUE(MakeCertificate(options.tls_certificate_pem, options.tls_key_pem));
  const auto server = *HttpServer::Create(options, [](const HttpRequest&) {
    return HttpResponse{.status = 200, .headers = {}, .body = "secure", .delay = {}};
  });
  const auto pool = NewPool();
  Replies replies;
  FetchRequest request = To(absl::StrCat("https://localhost:", server->port(), "/"));
  pool->Start(CallContext(), request, replies.Next());
  EXPECT_EQ(replies.Await(1).at(0).first.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(replies.Await(1).at(0).second.sent);
  request.ca_certificate_pem = options.tls_certificate_pem;
  pool->Start(CallContext(), request, replies.Next());
  const auto [status, reply] = replies.Await(2).at(1);
  EXPECT_TRUE(reply.sent);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply.body, "secure");
}

class HttpPoolHttp2Test : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MakeCertificate(certificate_, key_)); }
  FetchRequest To(uint16_t port) const {
    FetchRequest request;
    request.url = absl::StrCat("https://localhost:", port, "/");
    request.ca_certificate_pem = certificate_;
    return request;
  }
  std::string certificate_, key_;
};

TEST_F(HttpPoolHttp2Test, RequestsAtOnceShareOneConnection) {
  constexpr int kRequests = 50;
  const Http2Server server(certificate_, key_, kRequests);  // Answers none before all have come.
  Replies replies;
  const auto pool = NewPool();
  for (int i = 0; i < kRequests; ++i) pool->Start(CallContext(), To(server.port()), replies.Next());
  const auto all = replies.Await(kRequests);
  ASSERT_EQ(all.size(), size_t{kRequests});
  for (const auto& [status, reply] : all) {
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(reply.sent);
    EXPECT_EQ(reply.body, "h2");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpPoolHttp2Test, CancellationResetsTheStreamAndKeepsTheConnection) {
  Http2Server server(certificate_, key_, 1);
  Replies replies;
  const auto pool = NewPool();
  // libcurl closes a connection whose settings it has not read yet: a request that ends settles it.
  pool->Start(CallContext(), To(server.port()), replies.Next());
  EXPECT_EQ(replies.Await(1).at(0).second.body, "h2");
  server.set_hold(3);
  const auto cancel = std::make_shared<CancelToken>();
  pool->Start(CallContext(absl::InfiniteFuture(), cancel), To(server.port()), replies.Next());
  while (server.requests() < 2) std::this_thread::yield();
  cancel->Cancel();
  EXPECT_EQ(replies.Await(2).at(1).first.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(replies.Await(2).at(1).second.sent);
  pool->Start(CallContext(), To(server.port()), replies.Next());
  EXPECT_EQ(replies.Await(3).at(2).second.body, "h2");
  EXPECT_EQ(server.resets(), 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpPoolTest, DoneMayStartTheNextRequest) {
  const auto server = *HttpServer::Create({}, [](const HttpRequest& request) {
    return HttpResponse{.status = 200, .headers = {}, .body = request.target, .delay = {}};
  });
  Replies replies;
  const auto pool = NewPool();
  pool->Start(CallContext(), To(At(server->port(), "/first")), [&](const absl::Status&, const FetchReply&) {
    pool->Start(CallContext(), To(At(server->port(), "/second")), replies.Next());
  });
  EXPECT_EQ(replies.Await(1).at(0).second.body, "/second");
}

}  // namespace
}  // namespace proctor::net
